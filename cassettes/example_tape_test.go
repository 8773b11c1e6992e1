package cassettes_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/umtape/umtape/cassettes"
)

func Example_tape() {
	dir, err := os.MkdirTemp("", "tape")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "calls.yaml")

	w, err := cassettes.Create(path, cassettes.HeaderMeta{Profile: "um"}, cassettes.Refuse)
	if err != nil {
		log.Fatal(err)
	}
	i := new(cassettes.Interaction)
	i.Umtape.Arrived = time.Now()
	i.Umtape.Operation = "Disconnect"
	i.Request.Method = "POST"
	i.Request.Body = "<Disconnect/>"
	i.Response.Code = 200
	if err := w.Append(i); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	c, err := cassettes.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, i := range c.Interactions {
		fmt.Println(i.ID, i.Umtape.Operation, i.Response.Code, i.Request.Body)
	}
	// Output: 0 Disconnect 200 <Disconnect/>
}
