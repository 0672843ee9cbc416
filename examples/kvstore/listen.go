package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/server"
)

// listen starts to serve on all addresses.
func (c *config) listen(s *server.Server, served chan<- error, stdout io.Writer) error {
	start := func(network, addr, what string, serve func(net.Listener) error, secure *tls.Config) error {
		l, err := net.Listen(network, addr)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s on %s\n", what, l.Addr())
		if secure != nil {
			l = tls.NewListener(l, secure)
		}
		go func() { served <- serve(l) }()
		return nil
	}
	var errs []error
	for _, host := range c.bind {
		at := func(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
		if c.port >= 0 {
			errs = append(errs, start("tcp", at(c.port), "redis protocol", s.Serve, nil))
		}
		if c.textPort >= 0 {
			errs = append(errs, start("tcp", at(c.textPort), "text protocol", s.ServeText, nil))
		}
		if c.tlsPort > 0 {
			secure, err := c.tls()
			if err != nil {
				return err
			}
			errs = append(errs, start("tcp", at(c.tlsPort), "redis protocol over TLS", s.Serve, secure))
		}
	}
	if c.unixSocket != "" {
		errs = append(errs, start("unix", c.unixSocket, "redis protocol", s.Serve, nil))
	}
	return errors.Join(errs...)
}

// tls reads the files of certificates.
func (c *config) tls() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file, tls-key-file: %w", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if c.clientAuth == "no" {
		return t, nil
	}
	t.ClientAuth = tls.RequireAndVerifyClientCert
	if c.clientAuth == "optional" {
		t.ClientAuth = tls.VerifyClientCertIfGiven
	}
	pem, err := os.ReadFile(c.clientCA)
	if err != nil {
		return nil, fmt.Errorf("tls-ca-cert-file: %w", err)
	}
	t.ClientCAs = x509.NewCertPool()
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls-ca-cert-file: no certificate in %s", c.clientCA)
	}
	return t, nil
}
