package charset

import (
	"testing"

	"selda/fault"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"utf-8", "\xEF\xBB\xBFZo\xC3\xAB", "Zoë"},
		{"", "Zoë", "Zoë"},
		{"ISO-8859-1", "Zo\xEB", "Zoë"},
		{"windows-1252", "caf\xE9 \x96 5\x80", "café – 5€"},
		{"utf-16", "\xFF\xFEZ\x00\xEB\x00", "Zë"},
		{"utf-16", "\xFE\xFF\x00Z\x00\xEB", "Zë"},
		{"utf-16le", "Z\x00\xEB\x00", "Zë"},
	} {
		got, err := Decode([]byte(c.in), c.name)
		if err != nil || string(got) != c.want {
			t.Errorf("%s %q: %q, %v; want %q", c.name, c.in, got, err, c.want)
		}
	}
	if _, err := Decode([]byte("Zo\xEB"), "utf-8"); !fault.Is(err, fault.Structure) {
		t.Error("invalid UTF-8 was taken:", err)
	}
	if _, err := Decode(nil, "ebcdic"); !fault.Is(err, fault.NotSupported) {
		t.Error(err)
	}
}

func TestXML(t *testing.T) {
	for in, want := range map[string]string{
		"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>":        "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>",
		"\xEF\xBB\xBF \n<?xml version=\"1.0\"?><a/>":                    "<?xml version=\"1.0\"?><a/>",
		"<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>":               "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
		"\xFF\xFE<\x00a\x00/\x00>\x00":                                  "<a/>",
		"<?xml version='1.0' encoding = \"Windows-1252\" ?><a>\x80</a>": "<?xml version='1.0' encoding = \"Windows-1252\" ?><a>€</a>",
	} {
		got, err := XML([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
