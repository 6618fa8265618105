package hosts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"time"

	"perg/harness/hosts/wire"
)

// An identity is what makes a controller the same one after it was started anew:
// its certificate, and the token that agents have.
type identity struct {
	Token       string `json:"token"`
	Certificate []byte `json:"certificate"` // DER
	Key         []byte `json:"key"`         // PKCS #8
}

// identify reads the identity that is kept in a file, or makes one and keeps it
// there, for its owner alone.
func identify(path string) (wire.Token, tls.Certificate, error) {
	var id identity
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if id, err = newIdentity(); err != nil {
			return wire.Token{}, tls.Certificate{}, err
		}
		if text, err = json.Marshal(id); err != nil {
			return wire.Token{}, tls.Certificate{}, err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return wire.Token{}, tls.Certificate{}, fmt.Errorf("keep what agents are let in with: %w", err)
		}
	case err != nil:
		return wire.Token{}, tls.Certificate{}, fmt.Errorf("read what agents are let in with: %w", err)
	default:
		if err := json.Unmarshal(text, &id); err != nil {
			return wire.Token{}, tls.Certificate{}, fmt.Errorf("%s: %w; without that file a new token is made", path, err)
		}
	}
	token, err := wire.ParseToken(id.Token)
	if err != nil {
		return token, tls.Certificate{}, fmt.Errorf("%s: %w", path, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(id.Key)
	if err != nil {
		return token, tls.Certificate{}, fmt.Errorf("%s: %w", path, err)
	}
	return token, tls.Certificate{Certificate: [][]byte{id.Certificate}, PrivateKey: key}, nil
}

// validFor is longer than a run takes: agents trust the certificate itself, which
// nobody vouches for, and its dates say nothing to them.
const validFor = 20 * 365 * 24 * time.Hour

func newIdentity() (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	now := time.Now()
	form := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "perg"}, DNSNames: []string{"perg"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(validFor), // clocks differ
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &form, &form, key.Public(), key)
	if err != nil {
		return identity{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return identity{}, err
	}
	t := wire.Token{Pin: sha256.Sum256(certificate)}
	rand.Read(t.Run[:])
	rand.Read(t.Secret[:])
	return identity{t.String(), certificate, private}, nil
}
