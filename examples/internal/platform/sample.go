package platform

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gogit/odb"
)

//go:embed sample-go.txtar
var sampleGo []byte

//go:embed sample-static.txtar
var sampleStatic []byte

// Sample returns the bundled app as files by their paths: one in Go, or one that
// needs no toolchain.
func Sample(withGo bool) map[string]string {
	data := sampleStatic
	if withGo {
		data = sampleGo
	}
	files := make(map[string]string)
	for _, f := range txtar.Parse(data).Files {
		files[f.Name] = string(bytes.TrimPrefix(f.Data, []byte("\n")))
	}
	return files
}

// PushFiles pushes files as a first commit to an app of a platform, with gogit's
// client. What the platform says is written to progress.
func PushFiles(ctx context.Context, url string, files map[string]string, o *gogit.RemoteOptions) error {
	dir, err := os.MkdirTemp("", "groundwork-push-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	repo, err := gogit.Init(dir, nil)
	if err != nil {
		return err
	}
	defer repo.Close()
	tree, err := writeTree(repo, files)
	if err != nil {
		return err
	}
	who := gogit.Signature{Name: "groundwork", Email: "groundwork@localhost", When: time.Now()}
	id, err := repo.WriteCommit(&gogit.Commit{Tree: tree, Author: who, Committer: who, Message: "A first version\n"})
	if err != nil {
		return err
	}
	return repo.Push(ctx, url, []gogit.PushUpdate{{Name: branch, ID: id}}, o)
}

// writeTree stores files, whose paths have slashes, as trees.
func writeTree(repo *gogit.Repository, files map[string]string) (gogit.OID, error) {
	var entries []gogit.TreeEntry
	folders := make(map[string]map[string]string)
	for name, text := range files {
		if folder, rest, ok := strings.Cut(name, "/"); ok {
			if folders[folder] == nil {
				folders[folder] = make(map[string]string)
			}
			folders[folder][rest] = text
			continue
		}
		id, err := repo.Objects().Write(odb.Blob, []byte(text))
		if err != nil {
			return gogit.OID{}, err
		}
		entries = append(entries, gogit.TreeEntry{Mode: gogit.ModeFile, Name: path.Base(name), ID: id})
	}
	for folder, inside := range folders {
		id, err := writeTree(repo, inside)
		if err != nil {
			return gogit.OID{}, fmt.Errorf("%s: %w", folder, err)
		}
		entries = append(entries, gogit.TreeEntry{Mode: gogit.ModeTree, Name: folder, ID: id})
	}
	return repo.WriteTree(slices.Clip(entries))
}
