//! Mail that the service sends: by SMTP where the operator has named a server, else as files in the data directory, so
//! that a demonstration works without a network.
//!
//! A letter is handed over after the commit and sent on a task of its own, so how long a request takes tells nothing of
//! whether and where a letter goes. A letter that cannot be sent is logged without the address and not tried again:
//! whoever waits for it asks anew. Notices are sent by [`Mailer::send`] and tried again ([`crate::notices`]). Files are readable by their owner only.

use std::{
    fmt,
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{auth::private_dir, time::Timestamp};

/// How long a mail server may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long one attempt to send may take, however many steps the server takes for it. The lease on a letter that is
/// tried again must be longer ([`crate::notices::model::pause`]).
const ATTEMPT: Duration = Duration::from_secs(40);
/// Letters on their way at once; more are dropped, because memory is bounded and the sender asks again.
const IN_FLIGHT: usize = 64;

/// A mail server to hand letters to.
#[derive(Clone)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

/// Never the server's address with its password.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp")
    }
}

impl Smtp {
    /// Reads `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required` (STARTTLS), or
    /// `smtp://host:25` for a server within one's own network. A password is not sent without TLS, and TLS that may be
    /// left out is not taken.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let plain = url.starts_with("smtp://") && !url.ends_with("?tls=required");
        if plain && (url.contains('@') || url.contains("tls=")) {
            return None;
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).ok()?;
        Some(Self(builder.timeout(Some(TIMEOUT)).build()))
    }
}

/// Reads `Name <local@domain>` or `local@domain`.
#[must_use]
pub fn sender(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}

/// What is sent to one person.
#[derive(Clone)]
pub struct Letter {
    /// Its id; random.
    pub id: Uuid,
    /// When it was written.
    pub at: Timestamp,
    /// The address: `local@domain`.
    pub to: String,
    /// One line.
    pub subject: &'static str,
    /// Plain text.
    pub text: String,
}

/// Why a letter was not sent, without a word of the letter.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// No letter to this address can be written.
    #[error("the letter could not be put together")]
    Form,
    /// The server's number.
    #[error("the mail server answered {0}")]
    Refused(String),
    /// The server did not answer in time.
    #[error("the mail server took too long")]
    Timeout,
    /// There was no server.
    #[error("the mail server could not be spoken to")]
    Connection,
    /// The folder or the disk refused.
    #[error("the file could not be written: {0}")]
    File(String),
}

#[derive(Clone)]
enum Way {
    Smtp(Smtp),
    Folder(PathBuf),
}

/// Sends letters.
pub struct Mailer {
    way: Way,
    from: Mailbox,
    slots: Arc<Semaphore>,
}

impl Mailer {
    /// Sends through `smtp`, or else writes below `data_dir`/mail.
    #[must_use]
    pub fn new(smtp: Option<Smtp>, from: Mailbox, data_dir: &Path) -> Self {
        let way = smtp.map_or_else(|| Way::Folder(data_dir.join("mail")), Way::Smtp);
        Self { way, from, slots: Arc::new(Semaphore::new(IN_FLIGHT)) }
    }

    /// Sends a letter and tells how it went; for letters that are tried again.
    pub async fn send(&self, letter: Letter) -> Result<(), Unsent> {
        let sending = deliver(self.way.clone(), self.from.clone(), letter);
        tokio::time::timeout(ATTEMPT, sending).await.unwrap_or(Err(Unsent::Timeout))
    }

    /// Sends a letter in the background.
    pub fn post(&self, letter: Letter) {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            tracing::warn!("too many letters are on their way; one was dropped");
            return;
        };
        let (way, from) = (self.way.clone(), self.from.clone());
        tokio::spawn(async move {
            if let Err(error) = deliver(way, from, letter).await {
                tracing::error!(%error, "a letter was not sent");
            }
            drop(slot);
        });
    }
}

async fn deliver(way: Way, from: Mailbox, letter: Letter) -> Result<(), Unsent> {
    let (id, at) = (letter.id, letter.at);
    let message = message(from, letter).ok_or(Unsent::Form)?;
    match way {
        Way::Smtp(Smtp(server)) => {
            // The server's words may hold the address; its number does not.
            server.send(message).await.map(drop).map_err(|error| match error.status() {
                Some(code) => Unsent::Refused(code.to_string()),
                None if error.is_timeout() => Unsent::Timeout,
                None => Unsent::Connection,
            })
        }
        Way::Folder(folder) => {
            let written = tokio::task::spawn_blocking(move || {
                // Sorted by time; a name tells nobody's address.
                write(&folder, &format!("{:017}-{id}", at.as_micros()), &message.formatted())
            });
            written.await.unwrap_or_else(|error| Err(error.to_string())).map_err(Unsent::File)
        }
    }
}

fn message(from: Mailbox, letter: Letter) -> Option<Message> {
    let at = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(letter.at.as_micros()).ok()?);
    let id = format!("<{}@{}>", letter.id, from.email.domain());
    // So that no machine answers (RFC 3834).
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    Message::builder()
        .from(from)
        .to(Mailbox::new(None, letter.to.parse().ok()?))
        .subject(letter.subject)
        .date(at)
        .message_id(Some(id))
        .raw_header(automatic)
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text)
        .ok()
}

/// Written aside and renamed, so that nobody reads half a letter.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    private_dir(folder).map_err(|error| error.to_string())?;
    let (aside, path) = (folder.join(format!("{name}.part")), folder.join(format!("{name}.eml")));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside);
    written
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&aside, &path))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_sent_in_the_clear() {
        for url in ["smtp://localhost:25", "smtp://127.0.0.1:2525", "smtps://user:geheim@mail.example.org:465"] {
            assert!(Smtp::parse(url).is_some(), "{url}");
        }
        assert!(Smtp::parse("smtp://user:geheim@mail.example.org:587?tls=required").is_some());
        for url in [
            "",
            "mail.example.org",
            "http://mail.example.org",
            "smtp://user:geheim@mail.example.org",
            "smtp://user:geheim@mail.example.org?tls=opportunistic",
            "smtp://mail.example.org?tls=opportunistic",
            "smtp://user:geheim@mail.example.org?tls=opportunistic&tls=required",
        ] {
            assert!(Smtp::parse(url).is_none(), "{url}");
        }
    }

    #[test]
    fn a_letter_has_what_mail_servers_ask_for() {
        let letter = Letter {
            id: Uuid::nil(),
            at: Timestamp::from_micros(1_700_000_000_000_000).unwrap(),
            to: "a@example.org".to_owned(),
            subject: "A subject",
            text: "One line.\n".to_owned(),
        };
        let text = message(sender("Preceptor <no-reply@example.net>").unwrap(), letter).unwrap().formatted();
        let text = String::from_utf8(text).unwrap();
        for line in [
            "From: Preceptor <no-reply@example.net>\r\n",
            "To: a@example.org\r\n",
            "Subject: A subject\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000000@example.net>\r\n",
            "Auto-Submitted: auto-generated\r\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
