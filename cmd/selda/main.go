// Command selda runs the shared care record and health information exchange
// of South East London, and every verb that an operator needs beside it.
//
// Exit status: 0 done, 1 failed, 2 wrong use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"selda/cmd/selda/region"
	"selda/fault"
)

// cli is the whole command line. Flags can also be given as SELDA_NAME or in selda.yaml.
type cli struct {
	Data     string `help:"The data folder." default:"./var" type:"path" placeholder:"DIR"`
	Postgres string `help:"The database of a region of several nodes, in place of the data folder." placeholder:"DSN"`

	Serve        serveCmd        `cmd:"" help:"Run the exchange."`
	Demo         demoCmd         `cmd:"" help:"Run the exchange with the synthetic region of South East London."`
	Ingest       ingestCmd       `cmd:"" help:"Load files and folders through the same stages as the doors."`
	Quarantine   quarantineCmd   `cmd:"" help:"What could not be used, and why."`
	Subscription subscriptionCmd `cmd:"" help:"Who is told of changes, and what could not be told."`
	Extract      extractCmd      `cmd:"" help:"CSV extracts, held against the last ones."`
	Trace        traceCmd        `cmd:"" help:"Every stage of a message."`
	Link         linkCmd         `cmd:"" help:"Links between source identities and citizens."`
	Token        tokenCmd        `cmd:"" help:"Print a bearer token of a demonstration account."`
	Preference   preferenceCmd   `cmd:"" help:"What citizens have chosen about sharing."`
	Optout       optoutCmd       `cmd:"" help:"National data opt-outs and Type 1 objections: load them, leave people out of a file."`
	Proxy        proxyCmd        `cmd:"" help:"Who acts for a citizen: list, let somebody act, end it."`
	User         userCmd         `cmd:"" help:"The accounts."`
	Agreement    agreementCmd    `cmd:"" help:"What controllers have agreed to share: list, try, sign, suspend, renew."`
	Limits       limitsCmd       `cmd:"" help:"What a controller has set for its own organisation: seals within it, and how long after care a record stays open."`
	Rights       rightsCmd       `cmd:"" help:"What people ask for of their rights, as cases with clocks; retention, holds and disposal."`
	Release      releaseCmd      `cmd:"" help:"Data without names, for other uses than care, under an agreement."`
	Why          whyCmd          `cmd:"" help:"Why somebody can see an item, or can't."`
	App          appCmd          `cmd:"" help:"The applications that may act in people's names."`
	Audit        auditCmd        `cmd:"" help:"The audit trail."`
	Secrets      secretsCmd      `cmd:"" help:"Accounts, keys, certificates and secrets: replace them."`
	HL7v2        hl7v2Cmd        `cmd:"" name:"hl7v2" help:"The HL7 v2 engine by itself."`
	CDA          cdaCmd          `cmd:"" name:"cda" help:"The CDA engine by itself."`
	FHIR         fhirCmd         `cmd:"" name:"fhir" help:"The FHIR engine by itself."`
	Terminology  terminologyCmd  `cmd:"" help:"Code systems, value sets and maps: import releases, list them."`
	Package      packageCmd      `cmd:"" help:"FHIR packages: profiles and terminology of implementation guides."`
	Synth        synthCmd        `cmd:"" help:"Write synthetic citizens and their messages as files."`
	Downtime     downtimeCmd     `cmd:"" help:"A copy that can be read while the region can't be used: make, serve, include."`
	Backup       backupCmd       `cmd:"" help:"Write the region to one file, while it runs."`
	Restore      restoreCmd      `cmd:"" help:"Make a region of a backup."`
	Reindex      reindexCmd      `cmd:"" help:"Make the search index again from the record."`
	Bench        benchCmd        `cmd:"" help:"A benchmark, with the machine's limit measured in the same run."`
	Journey      journeyCmd      `cmd:"" help:"Play one of the stories that the system is shown and tested by."`
	Version      versionCmd      `cmd:"" help:"Say which build this is."`
}

// env is what a verb works with.
type env struct {
	ctx    context.Context
	cwd    string // relative paths of the caller are from here
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
	data   string
	dsn    string         // of the database, "" for the data folder
	region *region.Region // the open region, of a verb that needs one
}

// path is a path of the caller's, made absolute.
func (e *env) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(e.cwd, p)
}

// onRegion marks the verbs that work on a region's data folder.
type onRegion interface{ needsRegion() }

// errUsage is wrong use of a verb that parsing could not see.
var errUsage = errors.New("wrong use")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	tuneMemory()
	cwd, _ := os.Getwd()
	os.Exit(run(ctx, os.Args[1:], cwd, os.Stdout, os.Stderr, nil))
}

// run carries out one command line. r is the region where a server runs it for
// a caller; nil where the command line is this process's own.
func run(ctx context.Context, args []string, cwd string, stdout, stderr io.Writer, r *region.Region) (code int) {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("selda"), kong.Description("The shared care record of South East London."),
		kong.Writers(stdout, stderr), kong.Exit(func(n int) { exited = n }), kong.DefaultEnvars("SELDA"), kong.UsageOnError(),
		kong.Configuration(yamlConfig, filepath.Join(cwd, "selda.yaml")), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"cwd": cwd})
	if err != nil {
		fmt.Fprintln(stderr, "selda:", err)
		return 1
	}
	if len(args) == 0 || len(args) == 1 && args[0] == "help" {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "selda:", err)
		fmt.Fprintln(stderr, "`selda help` lists the verbs, `selda VERB --help` its flags.")
		return 2
	}
	e := &env{ctx: ctx, cwd: cwd, stdout: stdout, stderr: stderr, data: c.Data, dsn: c.Postgres, region: r,
		log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	if err := e.dispatch(k, args); err != nil {
		var exit exitCode
		switch {
		case errors.As(err, &exit):
			return int(exit)
		case errors.Is(err, errUsage):
			fmt.Fprintln(stderr, "selda:", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
			return 2
		}
		fmt.Fprintln(stderr, "selda:", explain(err))
		return 1
	}
	return 0
}

// dispatch runs a verb where it belongs: in the server that has the folder
// open, or here with the folder opened for the while.
func (e *env) dispatch(k *kong.Context, args []string) error {
	verb := k.Selected().Target.Addr().Interface()
	_, needs := verb.(onRegion)
	if needs && e.region == nil {
		if e.dsn == "" {
			if done, err := e.remote(withEnv(k, args)); done {
				return err
			}
			if _, err := os.Stat(filepath.Join(e.data, "record.db")); err != nil && !mayMake(verb) {
				return fmt.Errorf("there is no region in %s: `selda serve` or `selda ingest` makes one", e.data)
			}
		}
		quiet := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		r, err := region.Open(e.ctx, region.Options{Data: e.data, Postgres: e.dsn, Log: quiet})
		if err != nil {
			return err
		}
		e.region = r
		defer func() {
			if err := r.Close(); err != nil {
				fmt.Fprintln(e.stderr, "selda:", explain(err))
			}
		}()
	}
	if needs {
		if err := e.region.Commanded(e.ctx, verbOf(k)); err != nil {
			return err
		}
	}
	return k.Run(e)
}

// verbOf names the verb, without what it was given.
func verbOf(k *kong.Context) string {
	return strings.TrimPrefix(k.Selected().FullPath(), k.Model.Name+" ")
}

func mayMake(verb any) bool {
	switch verb.(type) {
	case *ingestCmd, *terminologyAdoptCmd, *packageAddCmd:
		return true
	}
	return false
}

// exitCode ends a verb with a status and says nothing more.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// explain is an error for a person at a terminal: what is wrong and where.
func explain(err error) string {
	s := fault.Reason(err)
	if p := fault.PlaceOf(err); p != "" {
		s += " (at " + p + ")"
	}
	return s
}
