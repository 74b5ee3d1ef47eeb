package mllp

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"

	"selda/fault"
)

// Client is one connection to an MLLP server. Its methods may be called by
// many goroutines; messages go one after the other.
type Client struct {
	mu   sync.Mutex
	conn net.Conn
	in   frames
}

// maxReplyBytes bounds what a server may answer.
const maxReplyBytes = 1 << 20

// Dial connects to a server at host:port.
func Dial(ctx context.Context, addr string) (*Client, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.E("mllp.Dial", fault.Transient, err)
	}
	return client(c), nil
}

func client(c net.Conn) *Client {
	return &Client{conn: c, in: frames{r: bufio.NewReader(c), max: maxReplyBytes}}
}

// Send sends one message and returns the answer, without framing. An error,
// or the end of ctx, leaves the connection unusable: close it, and send the
// message again on a new one.
func (c *Client) Send(ctx context.Context, msg []byte) ([]byte, error) {
	const op = "mllp.Send"
	c.mu.Lock()
	defer c.mu.Unlock()
	deadline, _ := ctx.Deadline()
	_ = c.conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.conn.Write(frame(msg)); err != nil {
		return nil, fault.E(op, fault.Transient, err)
	}
	reply, err := c.in.next()
	if err != nil {
		return nil, fault.E(op, fault.Transient, err)
	}
	return reply, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }
