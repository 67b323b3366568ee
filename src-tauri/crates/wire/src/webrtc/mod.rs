//! WebRTC: the station's side of WHEP (draft-ietf-wish-whep) and of WHIP (RFC 9725).
//!
//! [`Station`] answers offers, sends channels to viewers, and writes what publishers send into theirs.
//! One UDP socket and one thread serve all of them: a datagram finds its session by the ICE username of
//! its checks, and later by its source. Every packet of a channel is cut into RTP once, then sealed for
//! each viewer, on a few threads where there are many; a publisher's RTP becomes packets of its channel in
//! `inbound`.
//!
//! Nothing here knows HTTP: whoever carries offers and answers maps [`OfferError`] to its statuses.

mod answer;
pub(crate) mod candidates;
pub(crate) mod capacity;
mod crew;
mod entry;
mod feed;
mod history;
pub(crate) mod inbound;
mod keys;
mod link;
pub(crate) mod listener;
pub(crate) mod offer;
pub(crate) mod outbound;
mod outlet;
mod pace;
mod path;
pub(crate) mod payload;
pub(crate) mod profile;
mod seal;
mod session;
pub(crate) mod setup;
mod socket;
mod station;
pub(crate) mod stun;
#[cfg(test)]
mod testing;
mod traffic;
mod urgency;
mod worker;

pub use entry::Publication;
pub use station::{Answer, Options, Restarted, SessionStats, StartError, Station};
pub(crate) use station::{hex, random};
pub use traffic::{Media, Traffic};

/// Why an offer gets no answer. The texts are for people who write players.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// More bytes than any honest offer has. HTTP 413.
    #[error("the offer is larger than {0} bytes")]
    TooLarge(usize),
    /// Not SDP, or without what WebRTC needs. HTTP 400.
    #[error("the offer cannot be read: {0}")]
    Malformed(String),
    /// Nothing in it wants to receive sound or picture. HTTP 422.
    #[error("the offer has no audio or video section that receives; offer `recvonly` sections")]
    NothingToReceive,
    /// More than one section of a kind. HTTP 422.
    #[error("the offer has more than one section of a kind; offer one video and one audio section")]
    TooManyTracks,
    /// Its video section has no H.264 in packetization mode 1. HTTP 406.
    #[error(
        "the offer has no H.264 (packetization-mode=1), the only video codec of this station; use HLS instead"
    )]
    NoH264,
    /// It has H.264, but not of the profile that the channel carries. HTTP 406.
    #[error(
        "the channel carries H.264 {0} profile, which the offer does not take; use HLS instead"
    )]
    Profile(&'static str),
    /// The channel's pictures come in another order than they are shown in. HTTP 406.
    #[error(
        "the channel has B-frames, which WebRTC cannot show; use HLS instead, or let the publisher send without them"
    )]
    Reordered,
    /// Nothing in it wants to send sound or picture that could be taken. HTTP 422.
    #[error(
        "the offer has no audio or video section that sends H.264 or Opus; offer `sendonly` sections"
    )]
    NothingToPublish,
    /// Its video section has no H.264. HTTP 406.
    #[error(
        "the offer sends video without H.264, the only video codec of this station; choose H.264 in what you publish with"
    )]
    NoH264ToPublish,
    /// The station carries no more sessions, or is closing. HTTP 503.
    #[error("the station carries no more sessions over WebRTC now; try again later, or use HLS")]
    Full,
}
