// Package journeys holds the stories that the system is shown and tested by,
// as text: what is sent, who asks, and what each of them sees. It has no code;
// internal/testenv plays them.
package journeys

import "embed"

// FS has a file NAME.txtar for each journey.
//
//go:embed *.txtar
var FS embed.FS
