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
	"strings"
	"syscall"

	"github.com/groundwork-go/groundwork/kvstore/server"
)

// listen starts to serve on all addresses.
func (c *config) listen(s *server.Server, served chan<- error, stdout io.Writer) error {
	start := func(network, addr, what string, serve func(net.Listener) error, secure *tls.Config) error {
		l, err := net.Listen(network, addr)
		if err != nil {
			return err
		}
		if network == "unix" && c.unixSocketPerm != 0 {
			if err := os.Chmod(addr, c.unixSocketPerm); err != nil {
				return errors.Join(err, l.Close())
			}
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
		host, mayLack := strings.CutPrefix(host, "-")
		network := "tcp4"
		if strings.Contains(host, ":") {
			network = "tcp6"
		}
		host = strings.TrimSuffix(host, "*") // * is all addresses, and ::* those of version 6
		at := func(port int, what string, serve func(net.Listener) error, secure *tls.Config) {
			if port == none {
				return
			}
			err := start(network, net.JoinHostPort(host, strconv.Itoa(max(port, 0))), what, serve, secure)
			if err != nil && mayLack && lacks(err) {
				return
			}
			errs = append(errs, err)
		}
		at(c.port, "redis protocol", s.Serve, nil)
		at(c.textPort, "text protocol", s.ServeText, nil)
		if c.tlsPort != none {
			secure, err := c.tls()
			if err != nil {
				return err
			}
			at(c.tlsPort, "redis protocol over TLS", s.Serve, secure)
		}
	}
	if c.unixSocket != "" {
		errs = append(errs, start("unix", c.unixSocket, "redis protocol", s.Serve, nil))
	}
	return errors.Join(errs...)
}

// lacks tells whether an error says that this machine does not have an address.
func lacks(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// tls reads the files of certificates.
func (c *config) tls() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file, tls-key-file: %w", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	switch {
	case strings.Contains(c.protocols, "TLSv1.3") && !strings.Contains(c.protocols, "TLSv1.2"):
		t.MinVersion = tls.VersionTLS13
	case c.protocols != "" && !strings.Contains(c.protocols, "TLSv1.3"):
		if t.MaxVersion = tls.VersionTLS12; !strings.Contains(c.protocols, "TLSv1.2") {
			return nil, fmt.Errorf("tls-protocols: %q has neither TLSv1.2 nor TLSv1.3", c.protocols)
		}
	}
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
