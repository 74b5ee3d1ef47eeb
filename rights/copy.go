package rights

// The files of a copy.
const (
	CopyPage   = "record.html"
	CopyBundle = "record.json"
)
