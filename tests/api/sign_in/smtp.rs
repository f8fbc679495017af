//! A mail server that knows the few words that one letter takes (RFC 5321).

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// A letter as it came in.
pub struct Mail {
    pub from: String,
    pub to: String,
    /// Headers and text.
    pub text: String,
}

/// The server; its threads end with the process.
pub struct Server {
    pub port: u16,
    letters: Mutex<Receiver<Mail>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (send, letters) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let send = send.clone();
                thread::spawn(move || talk(&stream.unwrap(), &send));
            }
        });
        Self { port, letters: Mutex::new(letters) }
    }

    /// The next letter, if there is one.
    pub fn received(&self) -> Option<Mail> {
        self.letters.lock().unwrap().try_recv().ok()
    }
}

/// The text between `<` and `>`.
fn path(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path).to_owned()
}

/// Takes letters until the client goes; refuses those to `refused@…`, naming the address as servers do.
fn talk(stream: &TcpStream, letters: &Sender<Mail>) {
    let mut lines = BufReader::new(stream);
    let say = |text: &str| {
        let mut stream = stream;
        // The client may have gone.
        let _ = stream.write_all(format!("{text}\r\n").as_bytes());
    };
    let (mut from, mut to) = (String::new(), String::new());
    say("220 mail.test ready");
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
        match line.to_uppercase().split([' ', ':']).next().unwrap().trim() {
            "EHLO" | "HELO" | "RSET" | "NOOP" => say("250 mail.test"),
            "MAIL" => {
                from = path(&line);
                say("250 so be it");
            }
            "RCPT" if line.contains("refused@") => say(&format!("550 5.1.1 <{}> is unknown", path(&line))),
            "RCPT" => {
                to = path(&line);
                say("250 so be it");
            }
            "DATA" => {
                say("354 go on");
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") && lines.read_line(&mut text).unwrap() > 0 {}
                say("250 taken");
                drop(letters.send(Mail { from: from.clone(), to: to.clone(), text }));
            }
            "QUIT" => {
                say("221 bye");
                return;
            }
            _ => say("500 unknown"),
        }
        line.clear();
    }
}
