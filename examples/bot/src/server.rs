//! The WebSocket to the example server.

use std::error::Error;
use std::io;
use std::net::TcpStream;

use tungstenite::{Message, WebSocket};

use crate::message::{FromServer, Offer};

/// A participant's place in a room. Dropping it leaves the room.
#[derive(Debug)]
pub(crate) struct Server {
    socket: WebSocket<TcpStream>,
}

impl Server {
    /// Enters a room of the server at `address`, `host:port`. `room` and `name` are letters,
    /// digits, `_` and `-`.
    ///
    /// # Errors
    /// If there is no server, or it does not let the bot in.
    pub(crate) fn enter(address: &str, room: &str, name: &str) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(address)?;
        let url = format!("ws://{address}/ws?room={room}&name={name}");
        let (socket, _) = tungstenite::client(url, stream).map_err(|error| error.to_string())?;
        socket.get_ref().set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// The next message that has arrived, if any.
    ///
    /// # Errors
    /// If the connection is closed, or a message is invalid.
    pub(crate) fn hear(&mut self) -> Result<Option<FromServer>, Box<dyn Error>> {
        match self.socket.read() {
            Ok(Message::Text(text)) => Ok(Some(serde_json::from_str(&text)?)),
            Ok(Message::Close(frame)) => {
                Err(format!("the server closed the connection: {frame:?}").into())
            }
            Ok(_) => Ok(None),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends an offer.
    ///
    /// # Errors
    /// If the connection is closed.
    pub(crate) fn offer(&mut self, offer: &Offer) -> Result<(), Box<dyn Error>> {
        // An offer is far smaller than the system's buffer.
        self.socket.send(Message::text(serde_json::to_string(offer)?))?;
        Ok(())
    }
}
