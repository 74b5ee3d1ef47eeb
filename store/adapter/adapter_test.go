package adapter

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is stored by one build is read by the next: these values can't change.
func TestStoredFormsAreFixed(t *testing.T) {
	ids, err := NewIDs(Secret(make([]byte, 32), "ids"))
	if err != nil {
		t.Fatal(err)
	}
	if got := ids.Encode(Item, 1) + " " + ids.Encode(Citizen, 1); got != "sr3t8t7fx4ret 1t4a3rj56aa4a" {
		t.Errorf("ids of the number 1: %s", got)
	}
	if got := Token("Patient", "family:smith"); got != 6209002353960383973 {
		t.Errorf("a token: %d", got)
	}
	if got := KeyHash("RJZ:PAS", "Encounter", "V1"); hex.EncodeToString(got[:]) != "08ba03bc96bf87acfee1c28f44d0fb77" {
		t.Errorf("a key: %x", got)
	}
}

func TestIDsReadBackInTheirFamilyOnly(t *testing.T) {
	ids, err := NewIDs(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<itemBits-1).Draw(t, "n")
		id := ids.Encode(Item, n)
		if got, ok := ids.Decode(Item, id); !ok || got != n {
			t.Fatalf("%d is %s, which reads back as %d", n, id, got)
		}
		if _, ok := ids.Decode(Message, id); ok {
			t.Fatalf("%s of an item reads as a message", id)
		}
	})
}

func TestBodiesComeBackAsTheyWere(t *testing.T) {
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"Observation", "Patient", "Claim", "Basic"} {
		body := []byte(`{"resourceType":"` + typ + `","note":"` + strings.Repeat("ä", 999) + `"}`)
		blob := c.Pack(nil, typ, body, "OBX[1]")
		got, origin, err := c.Unpack(blob)
		if err != nil || !bytes.Equal(got, body) || origin != "OBX[1]" || len(blob) > len(body)/4 {
			t.Errorf("%s: %d bytes packed, %q, %v", typ, len(blob), origin, err)
		}
		blob[0] = 99
		if _, _, err := c.Unpack(blob); err == nil {
			t.Errorf("%s: a dictionary that is not there was used", typ)
		}
	}
}
