package auth

import (
	"time"

	"selda/nhs"
)

// Limit is how long a session lasts: untouched, and in all.
type Limit struct{ Idle, Absolute time.Duration }

// limit is the limit for people of a role.
func (c Config) limit(r nhs.Role) Limit {
	l := c.Limits[KindOf(r)]
	if l.Idle <= 0 {
		l.Idle = c.Idle
	}
	if l.Absolute <= 0 {
		l.Absolute = c.Absolute
	}
	return l
}

// longest is the longest that any session lasts.
func (c Config) longest() (idle, absolute time.Duration) {
	idle, absolute = c.Idle, c.Absolute
	for _, k := range Kinds() {
		idle, absolute = max(idle, c.Limits[k].Idle), max(absolute, c.Limits[k].Absolute)
	}
	return idle, absolute
}
