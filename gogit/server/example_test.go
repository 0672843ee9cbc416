package server_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/odb"
	"github.com/groundwork-go/groundwork/gogit/server"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	repo, err := gogit.Init(filepath.Join(dir, "project.git"), &gogit.InitOptions{Bare: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer repo.Close()

	s := httptest.NewServer(server.NewHandler(server.Dir(dir), &server.Options{
		PreReceive: func(_ context.Context, p *server.Push) error {
			fmt.Println("push of", p.Updates[0].Name)
			return nil
		},
	}))
	defer s.Close()

	tag, err := repo.Objects().Write(odb.Blob, []byte("hello\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = repo.Push(context.Background(), s.URL+"/project.git", []gogit.PushUpdate{{Name: "refs/tags/hello", ID: tag}}, nil)
	fmt.Println(err)
	// Output:
	// push of refs/tags/hello
	// <nil>
}
