//! Which addresses this service may call: rules without I/O.
//!
//! Two questions, asked at two moments. [`check_url`] looks at the text of an address when it is written down and
//! before each call; [`is_public`] looks at every IP address that a name stands for, at the moment of connecting,
//! because a name may stand for another address by then (CWE-918, OWASP API7:2023).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Ports that may be called.
const PORTS: [u16; 2] = [443, 8443];
/// Bytes that an address may have.
const MAX_URL: usize = 2048;

/// What may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Names of the public internet, over TLS.
    Public,
    /// Anything over http or https, for development and tests: an issuer on one's own machine.
    Insecure,
}

/// Why an address is not called. The text is for the operator and repeats nothing of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

/// Reads an address that the service is to call.
pub fn check_url(text: &str, policy: Policy) -> Result<Url, Refused> {
    if text.len() > MAX_URL {
        return Err(Refused("an address may have 2048 characters"));
    }
    // The parser of the URL standard mends what it reads (backslashes, line breaks, other scripts' digits); an address
    // that needs mending means something else to whoever checks it by eye.
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\<>\"`{}|^".contains(&byte)) {
        return Err(Refused("an address holds visible ASCII characters only"));
    }
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    if !(lower == "https://" || policy == Policy::Insecure && lower.starts_with("http://")) {
        return Err(Refused("an address begins with https://"));
    }
    let url = Url::parse(text).map_err(|_| Refused("this is no address"))?;
    let authority = text.split(['/', '?', '#']).nth(2).unwrap_or_default();
    if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
        return Err(Refused("an address holds no user name"));
    }
    if url.fragment().is_some() {
        return Err(Refused("an address holds no fragment"));
    }
    if policy == Policy::Insecure {
        return Ok(url);
    }
    match url.host() {
        Some(Host::Domain(name)) => check_name(name)?,
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => return Err(Refused("an address names its host, not an IP address")),
        None => return Err(Refused("an address names its host")),
    }
    if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return Err(Refused("the port is 443 or 8443"));
    }
    Ok(url)
}

/// Endings that stand for one's own network or for nothing at all (RFC 6761, 6762, 7686, 8375, 9476).
const PRIVATE_ENDINGS: [&str; 13] = [
    "alt",
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localhost",
    "onion",
    "test",
];

fn check_name(name: &str) -> Result<(), Refused> {
    if name.ends_with('.') {
        return Err(Refused("a host's name does not end with a dot"));
    }
    let Some((_, ending)) = name.rsplit_once('.') else {
        return Err(Refused("a host's name has two parts at the least"));
    };
    if PRIVATE_ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) {
        return Err(Refused("the host's name is not one of the public internet"));
    }
    Ok(())
}

/// IPv4 networks that are not global unicast (IANA's special-purpose registry, and multicast).
const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 networks that are not global unicast. What carries an IPv4 address is refused as a whole, so that no
/// translator between the two can be used as a way around the table above.
const SPECIAL_V6: [(Ipv6Addr, u8); 16] = [
    (Ipv6Addr::UNSPECIFIED, 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// Whether the address is one of the public internet: global unicast.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let number = u32::from(address);
            !SPECIAL_V4.iter().any(|(network, bits)| (number ^ u32::from(*network)) >> (32 - bits) == 0)
        }
        IpAddr::V6(address) => {
            let number = u128::from(address);
            !SPECIAL_V6.iter().any(|(network, bits)| (number ^ u128::from(*network)) >> (128 - bits) == 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_public_internet_over_tls_are_called() {
        for good in [
            "https://id.university.edu",
            "https://id.university.edu/realms/medicine/.well-known/openid-configuration",
            "https://id.university.edu:443/",
            "https://id.university.edu:8443/keys?version=2",
            "HTTPS://Id.University.EDU/",
            "https://xn--bcher-kva.de/",
        ] {
            assert!(check_url(good, Policy::Public).is_ok(), "{good}");
        }
    }

    #[test]
    fn every_other_way_of_writing_an_address_is_refused() {
        let bad = [
            "",
            "https://",
            "https:///x",
            "id.university.edu",
            "//id.university.edu/",
            "https:id.university.edu",
            "https:/id.university.edu",
            "http://id.university.edu/",
            "ftp://id.university.edu/",
            "file:///etc/passwd",
            "gopher://id.university.edu/",
            "data:application/json,{}",
            "javascript:alert(1)",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://0/",
            "https://017700000001/",
            "https://%31%32%37.0.0.1/",
            "https://\u{ff11}27.0.0.1/",
            "https://127\u{3002}0\u{3002}0\u{3002}1/",
            "https://8.8.8.8/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2606:4700:4700::1111]/",
            "https://[fe80::1%25eth0]/",
            "https://localhost/",
            "https://localhost./",
            "https://LOCALHOST/",
            "https://api.localhost/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://router.lan/",
            "https://1.0.0.127.in-addr.arpa/",
            "https://intranet/",
            "https://id.university.edu./",
            "https://127.0.0.1./",
            "https://user@id.university.edu/",
            "https://user:word@id.university.edu/",
            "https://@id.university.edu/",
            "https://id.university.edu@127.0.0.1/",
            "https://id.university.edu:80/",
            "https://id.university.edu:22/",
            "https://id.university.edu:0/",
            "https://id.university.edu:65536/",
            "https://id.university.edu/#keys",
            "https://id.university.edu\\@127.0.0.1/",
            "https:\\\\id.university.edu/",
            "https://id.university.edu/ x",
            "https://id.uni\tversity.edu/",
            "https://id.university.edu\r\nHost: other/",
            "https://id.univer\u{ad}sity.edu/",
        ];
        for text in bad {
            assert!(check_url(text, Policy::Public).is_err(), "{text:?}");
        }
        let long = format!("https://id.university.edu/{}", "x".repeat(MAX_URL));
        assert!(check_url(&long, Policy::Public).is_err());
    }

    #[test]
    fn the_development_switch_opens_one_s_own_machine_and_nothing_but_http() {
        for good in ["http://127.0.0.1:9000/", "http://localhost:9000", "https://localhost/", "http://[::1]:80/"] {
            assert!(check_url(good, Policy::Insecure).is_ok(), "{good}");
        }
        for bad in ["ftp://localhost/", "file:///etc/passwd", "http://a:b@localhost/", "http://local host/"] {
            assert!(check_url(bad, Policy::Insecure).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_first_and_last_addresses_of_each_special_network_are_not_public() {
        let special = [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
            ("::", "::1"),
            ("::7f00:1", "::ffff:ffff"),
            ("::ffff:0.0.0.0", "::ffff:255.255.255.255"),
            ("::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
            ("64:ff9b::", "64:ff9b::ffff:ffff"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::ffff:ffff:ffff:ffff"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:7f00:1::"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ];
        for text in special.iter().flat_map(|(first, last)| [first, last]) {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        let public = [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::",
            "2606:4700:4700::1111",
            "2a00::1",
        ];
        for text in public {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
