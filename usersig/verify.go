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
//  3. [BadSignature]: none of r.Keys made the signature, which covers every
//     field and the userbuf, if there is one, whatever it holds;
//  4. [Expired]: r.Now is after the last valid second, or the validity is
//     negative. A time of issue in the future is accepted.
//
// The vendor's own verifier looks at the time before the signature. Here a
// forged UserSig is never told that it is merely old.
func Verify(text string, r Request) (*Sig, error) {
	s, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if err := s.checkOwner(r.SDKAppID, r.Identifier); err != nil {
		return nil, err
	}
	if err := s.checkSignature(r.Keys); err != nil {
		return nil, err
	}
	if err := s.checkTime(r.now()); err != nil {
		return nil, err
	}
	return s, nil
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
	return refuse(BadSignature, "not signed with any of the %d keys, or altered since", len(keys))
}
