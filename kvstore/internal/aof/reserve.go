package aof

import (
	"bytes"
	"os"
)

// A file that every unit is synced to is longer than what is in it: to write over
// what has its place on the disk already spares the file system its journal, and a
// sync takes a quarter of the time. What is reserved holds empty comments, so that
// Redis and Scan read over what a crash has left of it.
//
// Its parts may reach the disk in any order. So only one group at a time is written
// there, and synced before the next: what is torn has nothing valid behind it.

// reserveSize is how much is reserved at a time.
const reserveSize = 256 << 10

// blank is the comment. What is written over blanks has an even length.
const blank = "#\n"

// appendBlanks appends n bytes of blanks; n is even.
func appendBlanks(dst []byte, n int) []byte {
	from := len(dst)
	dst = append(dst, blank...)
	for len(dst)-from < n {
		dst = append(dst, dst[from:from+min(len(dst)-from, n-(len(dst)-from))]...)
	}
	return dst
}

// blanksEnd returns where the blanks at an offset end.
func blanksEnd(data []byte, at int) int {
	for len(data)-at >= len(blank) && string(data[at:at+len(blank)]) == blank {
		at += len(blank)
	}
	return at
}

// otherParity makes groups that end with an annotation longer or shorter by one
// byte: with a zero before the length in it or without.
func otherParity(groups []byte) []byte {
	at := bytes.LastIndex(groups, []byte(prefix)) + len(prefix)
	if groups[at] == '0' {
		return append(groups[:at], groups[at+1:]...)
	}
	groups = append(groups, 0)
	copy(groups[at+1:], groups[at:])
	groups[at] = '0'
	return groups
}

// A segment is a file that is appended to.
type segment struct {
	file     *os.File
	size     int64 // bytes that were written
	synced   int64 // bytes of it that are on disk
	reserved int64 // the length of the file, if that is more than size
}

// write appends and perhaps syncs. With reserve the batch is one group, and has a
// length that makes the size even. After an error the file has its old size, unless
// it is untrusted: what is in it behind synced may be gone.
func (s *segment) write(batch []byte, sync, reserve bool) (untrusted bool, err error) {
	if len(batch) > 0 {
		err = s.put(batch, reserve)
		if err != nil && reserve {
			if s.reset() != nil { // there may be room for what is not reserved
				return true, err
			}
			err = s.put(batch, false)
		}
		if err != nil {
			// A half group would be damage once more follows.
			return s.reset() != nil, err
		}
		s.size += int64(len(batch))
	}
	if sync {
		if err := syncData(s.file); err != nil {
			s.size -= int64(len(batch))
			return true, err // what the system has in memory may be gone
		}
		s.synced = s.size
	}
	return false, nil
}

// put writes a batch behind what was written.
func (s *segment) put(batch []byte, reserve bool) error {
	end := s.size + int64(len(batch))
	switch {
	case !reserve:
		if err := s.trim(); err != nil {
			return err
		}
	case end > s.reserved:
		batch = appendBlanks(batch, reserveSize)
		end += reserveSize
		s.reserved = end
	}
	_, err := s.file.WriteAt(batch, s.size)
	return err
}

// trim gives back what is reserved.
func (s *segment) trim() error {
	if s.reserved <= s.size {
		return nil
	}
	return s.reset()
}

// reset gives the file its size.
func (s *segment) reset() error {
	err := s.file.Truncate(s.size)
	if err == nil {
		s.reserved = 0
	}
	return err
}

// close gives back what is reserved.
func (s *segment) close() error {
	err := s.trim()
	if closeErr := s.file.Close(); err == nil {
		err = closeErr
	}
	return err
}
