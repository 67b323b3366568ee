//! A session at an endpoint: offered, answered, its path found, told of what is found later, and found anew when
//! it is lost.

use media::Track;
use tokio::time::sleep;

use super::peer::Peer;
use super::{Options, Timing};
use crate::PublishError;
use crate::caller::{Caller, GATHER, Path};
use crate::endpoint::patch::{Match, Patched};
use crate::endpoint::{Client, IceServer, Session, fragment};

/// An open session.
pub(super) struct Call {
    client: Client,
    session: Session,
    timing: Timing,
    pub(super) peer: Peer,
    /// Addresses of ours that the endpoint knows, and whether it takes more.
    told: usize,
    takes_more: bool,
}

/// How a path is found again.
enum Mended {
    Renewed,
    /// The endpoint does not do that.
    Unable,
    /// It could not be asked.
    Unasked,
    /// It knows of no session any more.
    Gone,
}

impl Call {
    /// Offers, is answered, and finds a path.
    ///
    /// Addresses that take longer to be found are told afterwards. Where the endpoint takes none, or first says
    /// with its answer which servers help to a path, and there is none without, it is offered to once more, with all.
    pub(super) async fn open(
        client: Client,
        tracks: &[Track],
        options: &Options,
    ) -> Result<Self, PublishError> {
        let mut servers = client.ice_servers().await;
        let mut timing = options.timing;
        let mut again = true;
        loop {
            let mut call = Self::offer(client.clone(), tracks, servers.clone(), timing).await?;
            let known = |server: &IceServer| servers.contains(server);
            let found = if call.session.servers.iter().all(known) {
                call.find().await
            } else {
                let first = tokio::time::timeout(timing.alone, call.find()).await;
                first.unwrap_or_else(|_| Err(call.lost()))
            };
            let Err(error) = found else { return Ok(call) };
            let more = std::mem::take(&mut call.session.servers);
            let untold = !call.takes_more || !more.iter().all(known);
            call.close().await;
            if !(again && untold) {
                return Err(error);
            }
            tracing::debug!(
                "no path was found with what was told; it is offered once more, with all"
            );
            servers.extend(
                more.into_iter()
                    .filter(|s| !servers.contains(s))
                    .collect::<Vec<_>>(),
            );
            timing.head_start = GATHER;
            again = false;
        }
    }

    async fn offer(
        client: Client,
        tracks: &[Track],
        servers: Vec<IceServer>,
        timing: Timing,
    ) -> Result<Self, PublishError> {
        let mut peer = Peer::offer(tracks, client.ways(servers), timing).await?;
        let session = match client.post(peer.sdp()).await {
            Ok(session) => session,
            Err(error) => {
                peer.caller().close().await;
                return Err(error);
            }
        };
        let answered = peer.answer(&session.answer, client.name()).await;
        let told = fragment::candidates(peer.sdp()).count();
        let call = Self {
            client,
            session,
            timing,
            peer,
            told,
            takes_more: true,
        };
        match answered {
            Ok(()) => Ok(call),
            Err(error) => {
                call.close().await;
                Err(error)
            }
        }
    }

    /// Waits for a path, and tells meanwhile of addresses as they are found.
    async fn find(&mut self) -> Result<(), PublishError> {
        let Self {
            client,
            session,
            peer,
            timing,
            told,
            takes_more,
        } = self;
        let caller = peer.caller();
        let tell = async {
            *takes_more = trickle(caller, client, session, told).await;
            // There is nothing more to tell; the path is waited for.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            connected = caller.connected(client.name(), timing.path) => connected,
            () = tell => Ok(()),
        }
    }

    /// Resolves when nothing comes over the path any more.
    pub(super) async fn disturbed(&self) {
        let mut path = self.peer.caller().path();
        // An error means that the connection is gone, which is no better.
        drop(path.wait_for(|path| *path != Path::Up).await);
    }

    /// Waits for the path to come back, and looks for another one where the endpoint takes part in that: the session
    /// goes on, with its keys and its numbers.
    ///
    /// # Errors
    /// When the path is lost for good.
    pub(super) async fn mend(&mut self) -> Result<(), PublishError> {
        let mut path = self.peer.caller().path();
        while self.session.renews() {
            match self.renew().await? {
                Mended::Renewed => return self.find().await,
                Mended::Unable => break,
                Mended::Gone => return Err(self.lost()),
                Mended::Unasked => {}
            }
            // The network may be on its way back, with the old path or without.
            let settled = path.wait_for(|path| matches!(path, Path::Up | Path::Down));
            tokio::select! {
                biased;
                settled = settled => {
                    return match settled {
                        Ok(path) if *path == Path::Up => Ok(()),
                        _ => Err(self.lost()),
                    };
                }
                () = sleep(self.timing.silence / 4) => {}
            }
        }
        let settled = path.wait_for(|path| matches!(path, Path::Up | Path::Down));
        match settled.await {
            Ok(path) if *path == Path::Up => Ok(()),
            _ => Err(self.lost()),
        }
    }

    async fn renew(&mut self) -> Result<Mended, PublishError> {
        let caller = self.peer.caller();
        let renewal = caller.renewal().await?;
        // Its addresses are found, and told, once the endpoint has agreed.
        let names = fragment::of(renewal.sdp(), usize::MAX, false);
        let answer = match self
            .client
            .patch(&mut self.session, Match::Any, names)
            .await
        {
            Patched::Begun(fragment) => fragment::renewed(&self.session.answer, &fragment),
            Patched::Unanswered => return Ok(Mended::Unasked),
            Patched::Gone => return Ok(Mended::Gone),
            Patched::Refused | Patched::Taken => None,
        };
        let Some(answer) = answer else {
            return Ok(Mended::Unable);
        };
        tracing::info!(endpoint = self.client.name(), "the path is looked for anew");
        caller.renew(renewal, &answer, self.client.name()).await?;
        self.session.answer = answer;
        self.told = 0;
        self.takes_more = true;
        Ok(Mended::Renewed)
    }

    /// The error of a path that is lost.
    pub(super) fn lost(&self) -> PublishError {
        PublishError::Lost(format!("the connection to {} was lost", self.client.name()))
    }

    /// Says goodbye over WebRTC, and to the endpoint.
    pub(super) async fn close(self) {
        self.peer.caller().close().await;
        self.client.delete(&self.session).await;
    }
}

/// Tells of our addresses behind the first `told` as they are found, until that are all; says whether the endpoint
/// took them.
async fn trickle(
    caller: &Caller,
    client: &Client,
    session: &mut Session,
    told: &mut usize,
) -> bool {
    while let Some((sdp, all)) = caller.more(*told).await {
        let known = fragment::candidates(&sdp).count();
        if known > *told {
            let more = fragment::of(&sdp, *told, all);
            match client.patch(session, Match::Same, more).await {
                Patched::Taken => {}
                Patched::Begun(_) | Patched::Gone | Patched::Refused | Patched::Unanswered => {
                    return false;
                }
            }
            *told = known;
        }
        if all {
            return true;
        }
    }
    true
}
