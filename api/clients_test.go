package api_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Clients that others wrote do their ordinary work against a running server.
func TestClientsOfOthers(t *testing.T) {
	if _, err := os.Stat("../node_modules/fhir-kit-client"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the clients are not there: npm ci --ignore-scripts")
		}
		t.Skip("the clients are not there: npm ci --ignore-scripts")
	}
	a := open(t)
	token, err := a.env.Token(t.Context(), "system")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"fhir-kit-client.mjs", "fhirclient.cjs", "medplum.mjs"} {
		t.Run(script, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, "node", "clients/"+script)
			c.Env = append(os.Environ(), "FHIR_BASE="+a.env.HTTP+"/fhir", "FHIR_TOKEN="+token)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
