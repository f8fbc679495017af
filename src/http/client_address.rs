//! Where a request comes from, when proxies may stand between.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The client's address: `peer`, or, when that is a trusted proxy, the last address in `forwarded` (the values of
/// `X-Forwarded-For` in their order) that is not one. Whatever stands left of it anybody could have written.
pub fn client_address<'a>(peer: IpAddr, forwarded: impl Iterator<Item = &'a str>, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    if !is_trusted(client) {
        return client;
    }
    let named: Vec<_> = forwarded.flat_map(|value| value.split(',')).collect();
    for text in named.into_iter().rev() {
        // What cannot be read names nobody; the proxy that passed it on answers for it.
        let Some(address) = read(text.trim()) else { break };
        client = address;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// An address, with brackets and a port or without.
fn read(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|both| both.ip())).ok();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    address.or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// Networks separated by commas; a lone address is a network of one. `None` when one cannot be read.
#[must_use]
pub fn read_networks(text: &str) -> Option<Vec<IpNet>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_that_is_not_a_trusted_proxy_counts() {
        let trusted = read_networks("10.0.0.0/8, 192.0.2.1,2001:db8::/32").unwrap();
        let cases: [(&str, &[&str], &str); 11] = [
            ("198.51.100.7", &["203.0.113.5"], "198.51.100.7"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["203.0.113.5"], "203.0.113.5"),
            ("10.1.2.3", &["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
            ("10.1.2.3", &["203.0.113.5, 10.9.9.9", "192.0.2.1"], "203.0.113.5"),
            ("10.1.2.3", &["1.1.1.1", "203.0.113.5"], "203.0.113.5"),
            ("10.1.2.3", &["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
            ("10.1.2.3", &["1.1.1.1, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("::ffff:10.1.2.3", &["203.0.113.5:4711"], "203.0.113.5"),
            ("2001:db8::1", &["[2001:470::5]:80"], "2001:470::5"),
            ("2001:db8::1", &["[2001:470::6]"], "2001:470::6"),
        ];
        for (peer, forwarded, client) in cases {
            let found = client_address(peer.parse().unwrap(), forwarded.iter().copied(), &trusted);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        }
        assert_eq!(read_networks(""), Some(Vec::new()));
        assert_eq!(read_networks("10.0.0.0/8,here"), None);
    }
}
