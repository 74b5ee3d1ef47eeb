package main

import (
	"fmt"

	"selda/cmd/selda/region"
	"selda/fault"
)

// secretsCmd is every account, key, certificate and secret: who owns it, when it ends.
type secretsCmd struct {
	Rotate secretsRotateCmd `cmd:"" help:"Replace a key or a secret by a new one."`
}

type secretsRotateCmd struct {
	Name string `arg:"" help:"What to replace: master, the key that seals everything else at rest."`
}

func (secretsRotateCmd) needsRegion() {}

func (c secretsRotateCmd) Run(e *env) error {
	switch c.Name {
	case "master":
		n, next, err := e.region.RotateMaster(e.ctx, region.OperatorSubject())
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%d secrets are sealed anew\n%s\n", n, next)
		return nil
	}
	return fault.E("secrets.rotate", fault.NotFound, "there is no such secret: "+c.Name)
}
