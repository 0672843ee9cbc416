package kvstore

// ParseReply is for tests of sessions.
func ParseReply(b []byte) Reply {
	r, _ := parseReply(b)
	return r
}
