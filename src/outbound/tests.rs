//! The client against listeners on this machine, with names that a stub resolves.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// Gives the answers of a list in turn, the last one for ever.
struct Script {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Script {
    fn new(answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Script {
    fn resolve(&self, _: Name) -> Resolving {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[turn].clone();
        Box::pin(async move { Ok(Box::new(answer.into_iter()) as Addrs) })
    }
}

/// Answers every connection with the same bytes and counts the connections.
async fn listen(answer: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    (address, count)
}

fn public(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14)), port)
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn one_private_address_among_public_ones_and_no_connection_is_made() {
    let (own, count) = listen(ok("{}")).await;
    for found in [vec![public(own.port()), own], vec![own, public(own.port())], vec![own]] {
        let client = Client::with_resolver(Policy::Public, Script::new(vec![found])).unwrap();
        let answer = client.get_json("https://id.university.edu/", 100).await;
        assert!(matches!(answer, Err(Failure::Refused(_))), "{answer:?}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_is_public_first_and_private_second_is_refused_the_second_time() {
    let (own, count) = listen(ok("{}")).await;
    let script = Script::new(vec![vec![public(own.port())], vec![own]]);
    // The first look, as a check at registration would take it.
    let guard = Guarded { resolver: script.clone(), policy: Policy::Public };
    let first: Vec<_> = guard.resolve("id.university.edu".parse().unwrap()).await.unwrap().collect();
    assert_eq!(first, [public(own.port())]);
    let client = Client::with_resolver(Policy::Public, script).unwrap();
    let answer = client.get_json("https://id.university.edu/", 100).await;
    assert!(matches!(answer, Err(Failure::Refused(_))), "{answer:?}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_checked_addresses_are_those_that_are_called_and_each_call_looks_anew() {
    let (own, count) = listen(ok("{\"a\":1}")).await;
    let script = Script::new(vec![vec![own]]);
    let client = Client::with_resolver(Policy::Insecure, script.clone()).unwrap();
    for turn in 1..=3 {
        let body = client.get_json("http://id.university.edu/", 7).await.unwrap();
        assert_eq!(body, b"{\"a\":1}");
        assert_eq!((count.load(Ordering::SeqCst), script.asked.load(Ordering::SeqCst)), (turn, turn));
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_other_status_is_read() {
    let (own, count) = listen(ok("{}")).await;
    let moved = format!("HTTP/1.1 302 Found\r\nlocation: http://{own}/\r\ncontent-length: 0\r\n\r\n");
    for (answer, status) in [(moved, 302), ("HTTP/1.1 500 secret\r\ncontent-length: 6\r\n\r\nsecret".to_owned(), 500)] {
        let (first, _) = listen(answer.into_bytes()).await;
        let client = Client::new(Policy::Insecure).unwrap();
        let answer = client.get_json(&format!("http://{first}/"), 100).await;
        assert_eq!(answer, Err(Failure::Status(status)));
        assert!(!answer.unwrap_err().to_string().contains("secret"));
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_large_or_breaks_off_is_an_error() {
    let body = "x".repeat(101);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n{body}\r\n0\r\n\r\n");
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nx";
    for (answer, failure) in [
        (ok(&body), Failure::TooLarge),
        (chunked.into_bytes(), Failure::TooLarge),
        (short.as_bytes().to_vec(), Failure::Broken),
        (b"not HTTP at all\r\n\r\n".to_vec(), Failure::Broken),
    ] {
        let (own, _) = listen(answer).await;
        let client = Client::new(Policy::Insecure).unwrap();
        assert_eq!(client.get_json(&format!("http://{own}/"), 100).await, Err(failure));
    }
    let (own, _) = listen(ok(&body)).await;
    let client = Client::new(Policy::Insecure).unwrap();
    assert_eq!(client.get_json(&format!("http://{own}/"), 101).await.unwrap().len(), 101);
}

#[tokio::test]
async fn nobody_listens_and_the_error_says_so_alone() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = Client::new(Policy::Insecure).unwrap();
    assert_eq!(client.get_json(&format!("http://{free}/"), 100).await, Err(Failure::Connection));
    // https to something that does not speak TLS: no certificate, no answer.
    let (own, _) = listen(ok("{}")).await;
    assert_eq!(client.get_json(&format!("https://{own}/"), 100).await, Err(Failure::Connection));
}
