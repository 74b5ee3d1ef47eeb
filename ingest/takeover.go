package ingest

import (
	"context"
	"errors"
)

// This file finishes what other nodes left: a node that is gone has
// acknowledged messages that it did not commit.

// Left is the port to the journals of nodes that are gone. What it gives has
// been taken over by this node: nobody else commits from it any more.
type Left interface {
	Left(ctx context.Context) ([]LeftLog, error)
}

// LeftLog is the journal of a node that is gone.
type LeftLog interface {
	Log
	// End says that all of it is committed.
	End(ctx context.Context) error
}

// TakeOver commits what nodes that are gone have acknowledged, beside what
// this node receives. It returns when all of it is committed.
func (p *Pipeline) TakeOver(ctx context.Context, l Left) error {
	logs, err := l.Left(ctx)
	for _, log := range logs {
		err = errors.Join(err, p.finish(ctx, log))
	}
	return err
}

func (p *Pipeline) finish(ctx context.Context, log LeftLog) error {
	_, last, err := p.takeUp(ctx, &Journal{log: log})
	if err == nil && last != nil {
		_, err = last.Committed(ctx)
	}
	if err != nil {
		return err
	}
	return log.End(ctx)
}
