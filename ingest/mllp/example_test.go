package mllp_test

import (
	"context"
	"fmt"
	"net"

	"selda/ingest/mllp"
)

func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server := mllp.Server{Handler: func(_ context.Context, _ net.Addr, msg []byte) []byte {
		return fmt.Appendf(nil, "%d bytes taken", len(msg))
	}}
	done := make(chan error)
	go func() { done <- server.Serve(ctx, l) }()

	c, err := mllp.Dial(ctx, l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := c.Send(ctx, []byte("MSH|^~\\&|"))
	fmt.Println(string(reply), err)
	_ = c.Close()
	stop()
	fmt.Println(<-done)
	// Output:
	// 9 bytes taken <nil>
	// <nil>
}
