package usersig

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"iter"
	"math/big"
	"strings"
)

// whyUnsigned returns the mistake that explains a signature that none of the
// keys made. If it finds none, it returns otherwise.
func whyUnsigned(s *Sig, keys []Key, otherwise string) string {
	if s.Version == 1 {
		return whyUnsigned1(s, keys, otherwise)
	}
	mac, form := readMAC(s)
	if len(mac) != sha256.Size {
		return form
	}
	for _, k := range newest(keys) {
		if why := findMistake(s, mac, k.hmac.secret); why != "" {
			return joined(form, why)
		}
		if form != "" && hmac.Equal(sumSHA256(k.hmac.secret, s.appendSigned(nil)), mac) {
			return form
		}
	}
	if why := noKeyUsed(s, mac); why != "" {
		return joined(form, why)
	}
	return joined(form, otherwise)
}

func joined(form, why string) string {
	if form == "" {
		return why
	}
	return form + "; and " + why
}

// readMAC returns the 32 bytes of TLS.sig of version 2, in whatever encoding
// they are written, and what is wrong with that encoding, or "". If TLS.sig
// does not contain 32 bytes, it returns the bytes that it contains.
func readMAC(s *Sig) (mac []byte, fault string) {
	text := s.badMAC
	if text == "" {
		text = base64.StdEncoding.EncodeToString(s.mac)
	}
	if mac, err := hex.DecodeString(text); err == nil && len(mac) == sha256.Size {
		return mac, "TLS.sig is in hexadecimal, not in base64"
	}
	if mac, err := hex.DecodeString(string(s.mac)); err == nil && len(mac) == sha256.Size {
		return mac, "TLS.sig is base64 of hexadecimal digits, not of the 32 bytes that they stand for"
	}
	if s.badMAC != "" {
		plain := strings.NewReplacer("-", "+", "_", "/", "*", "+").Replace(strings.TrimRight(text, "=\r\n "))
		if mac, err := base64.RawStdEncoding.DecodeString(plain); err == nil && len(mac) == sha256.Size {
			return mac, "TLS.sig is in another alphabet or lost its padding; inside of the JSON it is plain base64, with + / ="
		}
		return nil, "TLS.sig is not base64"
	}
	switch len(s.mac) {
	case 0:
		return nil, "TLS.sig is empty"
	case sha256.Size:
		return s.mac, ""
	}
	return s.mac, fmt.Sprintf("TLS.sig has %d bytes%s; an HMAC-SHA256 has 32", len(s.mac), hashNames[len(s.mac)])
}

// hashNames maps lengths to the hashes with that length.
var hashNames = map[int]string{16: ", as an HMAC-MD5", 20: ", as an HMAC-SHA1", 48: ", as an HMAC-SHA384", 64: ", as an HMAC-SHA512"}

// findMistake returns what the signer of s did wrong, if the signer had the
// secret and made one of the known mistakes of signing code. Otherwise it
// returns "".
func findMistake(s *Sig, mac []byte, secret string) string {
	right := s.appendSigned(nil)
	for other, why := range otherSecrets(secret) {
		if other != secret && hmac.Equal(sumSHA256(other, right), mac) {
			return why
		}
	}
	for text, why := range otherTexts(s, right) {
		if hmac.Equal(sumSHA256(secret, text), mac) {
			return why
		}
	}
	lines := bytes.SplitAfter(right, []byte("\n"))
	for order := range permutations(4) {
		text := bytes.Join([][]byte{lines[order[0]], lines[order[1]], lines[order[2]], lines[order[3]], bytes.Join(lines[4:], nil)}, nil)
		if hmac.Equal(sumSHA256(secret, text), mac) {
			return "signed " + orderOf(order) + "; the order is identifier, sdkappid, time, expire"
		}
	}
	return ""
}

// otherSecrets yields the values that a signer may have used instead of secret.
func otherSecrets(secret string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		decoded, hexErr := hex.DecodeString(secret)
		unpacked, base64Err := base64.StdEncoding.DecodeString(secret)
		for _, o := range []struct {
			secret, why string
			skip        bool
		}{
			{string(decoded), "signed with the key decoded from hexadecimal; the key is used as the text it is", hexErr != nil},
			{string(unpacked), "signed with the key decoded from base64; the key is used as the text it is", base64Err != nil},
			{secret + "\n", "signed with the key and a line end behind it", false},
			{secret + "\r\n", "signed with the key and a line end behind it, as Windows writes it", false},
			{secret + " ", "signed with the key and a blank behind it", false},
			{" " + secret, "signed with the key and a blank before it", false},
			{strings.TrimSpace(secret), "signed with the key without the white space around it", false},
			{`"` + secret + `"`, "signed with the key and the quotes around it", false},
			{"'" + secret + "'", "signed with the key and the quotes around it", false},
			{"\ufeff" + secret, "signed with the key and the byte order mark of its file before it", false},
			{strings.ToUpper(secret), "signed with the key in upper case; the key is used as the text it is", false},
			{strings.ToLower(secret), "signed with the key in lower case; the key is used as the text it is", false},
		} {
			if !o.skip && !yield(o.secret, o.why) {
				return
			}
		}
	}
}

// otherTexts yields the texts that a signer may have signed instead of right.
func otherTexts(s *Sig, right []byte) iter.Seq2[[]byte, string] {
	replaced := func(old, with string) []byte { return bytes.ReplaceAll(right, []byte(old), []byte(with)) }
	return func(yield func([]byte, string) bool) {
		earlier, later, unsigned, raw := *s, *s, *s, *s
		earlier.IssuedAt--
		later.IssuedAt++
		unsigned.userBuf = field{}
		raw.userBuf.text = string(s.UserBuf)
		for _, o := range []struct {
			text []byte
			why  string
		}{
			{bytes.TrimSuffix(right, []byte("\n")), "the last line was signed without its line feed"},
			{replaced("\n", "\r\n"), "the lines were signed with CR LF at their ends; each ends in LF alone"},
			{replaced("\n", `\n`), `the line feeds were signed as the two characters \ and n; use a text in which \n is a line feed`},
			{replaced("\n", ""), "the lines were signed without line feeds; each ends in one"},
			{spaced(right), "a blank was signed behind each colon; there is none"},
			{earlier.appendSigned(nil), "the TLS.time that was signed is a second earlier than the one sent; read the clock once"},
			{later.appendSigned(nil), "the TLS.time that was signed is a second later than the one sent; read the clock once"},
			{unsigned.appendSigned(nil), "TLS.userbuf was not signed"},
			{raw.appendSigned(nil), "TLS.userbuf was signed as it was before base64; its base64 is signed"},
		} {
			if !bytes.Equal(o.text, right) && !yield(o.text, o.why) {
				return
			}
		}
	}
}

// spaced inserts a space after the name in each line.
func spaced(text []byte) []byte {
	var b []byte
	for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
		b = append(b, bytes.Replace(line, []byte(":"), []byte(": "), 1)...)
	}
	return b
}

// permutations yields all orders of n things except the sorted one. It yields
// the same slice each time.
func permutations(n int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		order, first := make([]int, n), true
		for i := range order {
			order[i] = i
		}
		var place func(k int) bool
		place = func(k int) bool {
			if k == n {
				if first {
					first = false
					return true
				}
				return yield(order)
			}
			for i := k; i < n; i++ {
				order[k], order[i] = order[i], order[k]
				if !place(k + 1) {
					return false
				}
				order[k], order[i] = order[i], order[k]
			}
			return true
		}
		place(0)
	}
}

func orderOf(order []int) string {
	names := []string{"identifier", "sdkappid", "time", "expire"}
	text := make([]string, len(order))
	for i, n := range order {
		text[i] = names[n]
	}
	return "in the order " + strings.Join(text, ", ")
}

// noKeyUsed returns which word s was signed with instead of a key, or "".
func noKeyUsed(s *Sig, mac []byte) string {
	right := s.appendSigned(nil)
	if hmac.Equal(sumSHA256("", right), mac) {
		return "signed with an empty key: the program read the key from where there is none"
	}
	for _, word := range emptyWords {
		if hmac.Equal(sumSHA256(word, right), mac) {
			return "signed with the word " + word + " as the key: the program read the key from where there is none"
		}
	}
	return ""
}

func sumSHA256(secret string, text []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(text)
	return h.Sum(nil)
}

// whyUnsigned1 is whyUnsigned for version 1.
func whyUnsigned1(s *Sig, keys []Key, otherwise string) string {
	switch {
	case s.badMAC != "":
		return "TLS.sig is not base64"
	case len(s.mac) == 0:
		return "TLS.sig is empty"
	case !isDER(s.mac):
		return fmt.Sprintf("TLS.sig has %d bytes that are no ASN.1 DER%s; write the signature in DER", len(s.mac), perhapsRaw[len(s.mac)])
	}
	right := s.appendSigned(nil)
	for _, k := range newest(keys) {
		for text, why := range otherTexts(s, right) {
			digest := sha256.Sum256(text)
			if k.ec.verify(digest[:], s.mac) {
				return why
			}
		}
		third := *s
		third.thirdAppID = field{"0", !s.thirdAppID.present}
		digest := sha256.Sum256(third.appendSigned(nil))
		if k.ec.verify(digest[:], s.mac) {
			return "the line TLS.appid_at_3rd was signed and the field left out, or the other way round; have both or neither"
		}
	}
	return otherwise
}

// isDER reports whether sig is an ECDSA signature in ASN.1 DER (RFC 3279,
// section 2.2.3).
func isDER(sig []byte) bool {
	var numbers struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(sig, &numbers)
	return err == nil && len(rest) == 0
}

// perhapsRaw says what a signature may be that is not DER. Its key is the
// length of the signature, which is twice that of a number of a curve.
var perhapsRaw = map[int]string{56: besides, 64: besides, 96: besides, 132: besides}

const besides = ", perhaps r and s side by side"
