// Package grant names the Grant, so that any room can hold one. Only access
// can make one.
package grant

import "selda/access/internal/seal"

// Grant says what a reader may see now. The zero Grant permits nothing.
type Grant = seal.Grant
