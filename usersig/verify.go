package usersig

import "time"

// A Request is the claimed identity of a caller, and the keys and the time to
// verify it with.
type Request struct {
	SDKAppID   uint32
	Identifier string    // compared byte for byte
	Keys       []Key     // of either version; one of them must have made the signature
	Now        time.Time // the zero time means the current time
}

func (r Request) now() time.Time {
	if r.Now.IsZero() {
		return time.Now()
	}
	return r.Now
}

// Verify returns the content of text if text is a genuine UserSig for r.
// Otherwise the error is an [*Error] with the first of these reasons:
//
//  1. [Malformed]: [Parse] cannot read the text.
//  2. [OtherApp], then [OtherUser].
//  3. Version 2: [Expired], then [BadSignature]. Version 1: [BadSignature],
//     then [Expired]. This is the order of the vendor's published verifiers.
//
// A UserSig is expired if r.Now is after its last valid second or if its
// validity is negative. A time of issue in the future is accepted. A signature
// is bad if none of r.Keys made it. It covers every field that is checked, and
// the userbuf as it is written.
func Verify(text string, r Request) (*Sig, error) {
	s, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if err := s.checkOwner(r.SDKAppID, r.Identifier); err != nil {
		return nil, err
	}
	if err := s.checkProof(r.Keys, r.now()); err != nil {
		return nil, err
	}
	return s, nil
}

// checkProof checks the signature and the time, in the order of the version.
func (s *Sig) checkProof(keys []Key, now time.Time) error {
	if s.Version == 1 {
		if err := s.checkSignature(keys); err != nil {
			return err
		}
		return s.checkTime(now)
	}
	if err := s.checkTime(now); err != nil {
		return err
	}
	return s.checkSignature(keys)
}

func (s *Sig) checkSignature(keys []Key) error {
	for _, k := range keys {
		if k.signed(s) {
			return nil
		}
	}
	switch len(keys) {
	case 0:
		return refuse(BadSignature, "there is no key to verify it with")
	case 1:
		return refuse(BadSignature, "not signed with the key, or altered since")
	}
	return refuse(BadSignature, "not signed with any of the keys, or altered since")
}
