package main

import (
	"fmt"
	"time"

	"selda/access"
	"selda/cmd/selda/region"
	"selda/consent"
	"selda/nhs"
)

type preferenceCmd struct {
	Show preferenceShowCmd `cmd:"" help:"What a citizen has stated about sharing, and what of it is in force."`
}

type preferenceShowCmd struct {
	Citizen string `arg:"" help:"The citizen's NHS number, or their id, which is in the address of their record." placeholder:"CITIZEN"`
	At      string `help:"What was in force at this time, such as 2026-11-26T09:00:00Z; now unless said." placeholder:"TIME"`
	All     bool   `help:"Also what is not in force any more, or not yet."`
	JSON    bool   `name:"json" help:"One JSON object a line."`
}

func (preferenceShowCmd) needsRegion() {}

// shownPreference is one statement as it is printed.
type shownPreference struct {
	ID        string     `json:"id"`
	Version   int        `json:"version"`
	Words     string     `json:"words"`
	InForce   bool       `json:"inForce"`
	Status    string     `json:"status"`
	Source    nhs.Source `json:"source"`
	Recorded  time.Time  `json:"recorded"`
	From      time.Time  `json:"from"`
	To        *time.Time `json:"to,omitempty"`
	Until     *time.Time `json:"until,omitempty"` // when it was changed or taken back
	StatedBy  string     `json:"statedBy,omitempty"`
	Authority string     `json:"authority,omitempty"`
	Evidence  string     `json:"evidence,omitempty"`
}

func (c preferenceShowCmd) Run(e *env) error {
	at := e.region.Now()
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, c.At); err != nil {
			return fmt.Errorf("%w: --at is a time such as 2026-11-26T09:00:00Z", errUsage)
		}
	}
	citizen, err := e.citizen(c.Citizen)
	if err != nil {
		return err
	}
	list, err := e.region.Preferences(e.ctx, region.OperatorSubject(), citizen, at)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, s := range list {
		if !s.InForce && !c.All {
			continue
		}
		p := shown(s, at)
		if c.JSON {
			if err := e.printJSON(p); err != nil {
				return err
			}
			continue
		}
		force := "no"
		if s.InForce {
			force = "yes"
		}
		rows = append(rows, []string{p.ID, force, p.Recorded.Format(time.DateTime), string(p.Source), p.Words})
	}
	if !c.JSON {
		e.table("id\tin force\trecorded\tsource\twhat", rows)
	}
	return nil
}

func shown(s access.Stated, at time.Time) shownPreference {
	p := shownPreference{ID: s.ID, Version: s.Version, InForce: s.InForce, Status: s.Status, Source: s.By, Recorded: s.Recorded, From: s.From,
		StatedBy: s.Origin.Name, Authority: s.Origin.Authority.Code, Evidence: s.Origin.Evidence}
	if s.Decides {
		p.Words = consent.Words(s.Preference, at, consent.Names{})
	}
	if !s.To.IsZero() {
		p.To = &s.To
	}
	if !s.Until.IsZero() {
		p.Until = &s.Until
	}
	return p
}
