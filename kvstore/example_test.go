package kvstore_test

import (
	"context"
	"fmt"

	"github.com/groundwork-go/groundwork/kvstore"
)

func Example() {
	db, err := kvstore.Open("", nil) // a folder's name keeps the data
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if err := db.Set("greeting", []byte("hello"), nil); err != nil {
		fmt.Println(err)
		return
	}
	value, err := db.Get("greeting")
	fmt.Println(string(value), err)
	_, err = db.Get("nothing")
	fmt.Println(err)
	// Output:
	// hello <nil>
	// kvstore: key not found
}

func ExampleDB_Update() {
	db, _ := kvstore.Open("", nil)
	defer db.Close()
	_ = db.Set("alice", []byte("100"), nil)
	err := db.Update(func(tx *kvstore.Tx) error {
		v, err := tx.Get("alice")
		if err != nil {
			return err
		}
		tx.Set("bob", v)
		tx.Delete("alice")
		return nil
	})
	fmt.Println(err)
	for k, v := range db.All("") {
		fmt.Println(k, string(v))
	}
	// Output:
	// <nil>
	// bob 100
}

func ExampleDB_Subscribe() {
	db, _ := kvstore.Open("", nil)
	defer db.Close()
	sub := db.Subscribe(context.Background(), "news.*")
	defer sub.Close()
	_, _ = db.Do(context.Background(), "PUBLISH", "news.go", "released")
	m := <-sub.C
	fmt.Println(m.Channel, string(m.Payload))
	// Output:
	// news.go released
}
