package sqlite

// Pack is ingest.Packer's.
func (db *DB) Pack(typ string, body []byte, origin string) []byte {
	return db.codec.Pack(nil, typ, body, origin)
}
