package usersig

import "time"

// A Request is what a caller claims to be, and what to hold it against.
type Request struct {
	SDKAppID   uint32
	Identifier string    // compared byte for byte
	Keys       []Key     // of either kind; one that fits is enough
	Now        time.Time // the zero time means the current time
}

func (r Request) now() time.Time {
	if r.Now.IsZero() {
		return time.Now()
	}
	return r.Now
}

// Verify returns what text says if it is a genuine UserSig for r. Otherwise
// the error is an [*Error] with the first of these faults:
//
//  1. [Malformed]: [Parse] cannot read it;
//  2. [OtherApp], then [OtherUser];
//  3. version 2: [Expired], then [BadSignature]; version 1: [BadSignature],
//     then [Expired]. This is the order of the vendor's published verifiers.
//
// A UserSig is expired if r.Now is after the last valid second, or if the
// validity is negative. A time of issue in the future is accepted. A signature
// is bad if none of r.Keys made it; it covers every field that is judged, and
// the userbuf as it stands.
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

// checkProof judges the signature and the time, in the order of the version.
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
