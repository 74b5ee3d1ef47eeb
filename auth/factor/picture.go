package factor

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"

	"selda/fault"
)

// quiet is the empty margin that readers of QR codes need, in modules: ISO/IEC
// 18004, section 6.3.8.
const quiet = 4

// Picture is a text as a QR code, in SVG, so that a page that may fetch no picture
// shows it. The title is for those who can't see it.
func Picture(text, title string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fault.E("factor.Picture", err)
	}
	var path strings.Builder
	size := code.Bounds().Dx()
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	n := size + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="%s" width="240" height="240" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`,
		title, n, n, n, n, path.String()), nil
}
