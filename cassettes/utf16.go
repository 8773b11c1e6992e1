package cassettes

import "unicode/utf16"

// decodeUTF16 returns UTF-16 as UTF-8. What is no character becomes U+FFFD; an
// odd byte at the end is dropped.
func decodeUTF16(b []byte, bigEndian bool) []byte {
	units := make([]uint16, len(b)/2)
	for i := range units {
		low, high := b[2*i], b[2*i+1]
		if bigEndian {
			low, high = high, low
		}
		units[i] = uint16(low) | uint16(high)<<8
	}
	return []byte(string(utf16.Decode(units)))
}
