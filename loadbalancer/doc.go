// Package loadbalancer spreads HTTP requests over endpoints: as a server, as an
// http.Handler under any server, or as an http.RoundTripper in a client.
//
//	pool, err := loadbalancer.NewPool("web", []loadbalancer.Endpoint{
//		{Addr: "127.0.0.1:8081"}, {Addr: "127.0.0.1:8082"},
//	}, nil)
//	if err != nil {
//		return err
//	}
//	defer pool.Close()
//	err = http.ListenAndServe(":8080", pool.Handler(nil))
//
// # Guarantees
//
//   - Requests go to endpoints that are up and not draining. If none is, the answer
//     is 503 at once.
//   - A request that reached no endpoint, since the connection was refused, is tried
//     at the others. One of which a byte was sent is never repeated.
//   - [Pool.Update] swaps the endpoints at once: requests that have begun finish
//     where they are, all others go to the new ones.
//   - Forwarding headers that clients send are replaced by true ones.
//
// # Limits
//
// The engine is net/http's. There are active health checks, no outlier ejection, no
// retries after a timeout, and HTTP to the endpoints is version 1.1 without TLS.
package loadbalancer
