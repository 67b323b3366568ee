//! Pictures of channels that others publish: a keyframe, decoded by itself, when somebody looks at the list.
//!
//! One is made at a time, for whatever channel, and none again before [`FRESH`] has passed. Who asks
//! meanwhile gets the one before.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::Code;
use bytes::Bytes;
use media::{Channel, ChannelName, Hub, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{HEIGHT, WIDTH, shot};
use crate::problem::Refusal;

/// A picture is kept for so long, whatever comes.
const FRESH: Duration = Duration::from_secs(3);

/// A keyframe that is older is no picture of now: another is asked for, once in so long.
const STALE: Duration = Duration::from_secs(5);

/// The newest pictures.
#[derive(Debug)]
pub(crate) struct Pictures {
    kept: Mutex<HashMap<ChannelName, Kept>>,
    /// The one hand that makes them.
    hand: Semaphore,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    /// When the channel went live: another one of the same name has other pictures.
    since: Timestamp,
    /// When the picture was made, and of which keyframe.
    made: Option<(Timestamp, Timestamp)>,
    asked: Option<Timestamp>,
    jpeg: Option<Bytes>,
}

impl Pictures {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            kept: Mutex::default(),
            hand: Semaphore::new(1),
        }
    }

    /// A picture of a channel, some seconds old at most where its publisher makes keyframes; `None`
    /// before there is one.
    ///
    /// # Errors
    /// 500 when the encoder fails.
    pub(crate) async fn get(
        &self,
        hub: &Hub,
        channel: &Arc<Channel>,
        now: Timestamp,
    ) -> Result<Option<Bytes>, Refusal> {
        let newest = channel.newest_keyframe();
        if self.wants_keyframe(channel, newest, now) {
            channel.request_keyframe();
        }
        let Some(newest) = newest else {
            return Ok(None);
        };
        if let Some(jpeg) = self.at_hand(channel, newest, now) {
            return Ok(Some(jpeg));
        }
        let Ok(_hand) = self.hand.acquire().await else {
            return Ok(None);
        };
        // Whoever had the hand before may have made it.
        if let Some(jpeg) = self.at_hand(channel, newest, now) {
            return Ok(Some(jpeg));
        }
        let from = Arc::clone(channel);
        let made = tokio::task::spawn_blocking(move || shot(&from, WIDTH, HEIGHT))
            .await
            .map_err(|e| Refusal::new(Code::Internal, e.to_string()))??;
        let mut kept = self.kept.lock();
        kept.retain(|name, _| hub.channel(name).is_some());
        if hub.channel(channel.name()).is_some() {
            let entry = entry(&mut kept, channel);
            entry.made = Some((now, newest));
            // One that is damaged is not tried again and again.
            entry.jpeg = made.or(entry.jpeg.take());
            return Ok(entry.jpeg.clone());
        }
        Ok(made)
    }

    /// What was made before, while it does.
    fn at_hand(&self, channel: &Channel, newest: Timestamp, now: Timestamp) -> Option<Bytes> {
        let kept = self.kept.lock();
        let kept = kept.get(channel.name())?;
        let (made, of) = kept.made.filter(|_| kept.since == channel.since())?;
        let does = of == newest || now.since(made) < FRESH;
        kept.jpeg.clone().filter(|_| does)
    }

    fn wants_keyframe(
        &self,
        channel: &Arc<Channel>,
        newest: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        if newest.is_some_and(|at| now.since(at) < STALE) {
            return false;
        }
        let mut kept = self.kept.lock();
        let entry = entry(&mut kept, channel);
        let due = entry.asked.is_none_or(|at| now.since(at) >= STALE);
        if due {
            entry.asked = Some(now);
        }
        due
    }
}

fn entry<'a>(kept: &'a mut HashMap<ChannelName, Kept>, channel: &Arc<Channel>) -> &'a mut Kept {
    let entry = kept.entry(channel.name().clone()).or_default();
    if entry.since != channel.since() {
        *entry = Kept {
            since: channel.since(),
            ..Kept::default()
        };
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Desk, keyframe, mean_of_jpeg};
    use media::Origin;

    /// Red and blue in BT.709 limited, and what JPEG makes of them.
    const RED: [u8; 3] = [63, 102, 240];
    const BLUE: [u8; 3] = [32, 240, 118];

    fn near(got: [u8; 3], expect: [u8; 3]) {
        let apart = got.iter().zip(expect).map(|(a, b)| a.abs_diff(b));
        assert!(apart.max().unwrap() <= 4, "{got:?}, not {expect:?}");
    }

    #[tokio::test]
    async fn a_channel_is_pictured_by_its_newest_keyframe() {
        let desk = Desk::new();
        let mut writer = desk.live("garden", Origin::Rtmp);
        let path = "/api/channels/garden/picture.jpg";
        assert_eq!(desk.get(path).await.status, 404, "nothing has come yet");
        let asked = writer.signals(desk.app.clock.now());
        assert!(asked.keyframe, "it was asked for");

        let (track, packet) = keyframe(RED, desk.app.clock.now());
        writer.set_tracks(vec![track]);
        writer.write(packet);
        let got = desk.get(path).await;
        assert_eq!(
            (got.status, got.header("content-type")),
            (200, "image/jpeg")
        );
        near(mean_of_jpeg(&got.body), [76, 85, 255]);
        assert_eq!(desk.get(path).await.body, got.body);
        drop(writer);
        assert_eq!(desk.get(path).await.status, 404);

        // Another one of the same name has pictures of its own.
        let mut writer = desk.live("garden", Origin::Whip);
        let (track, packet) = keyframe(BLUE, desk.app.clock.now());
        writer.set_tracks(vec![track]);
        writer.write(packet);
        near(mean_of_jpeg(&desk.get(path).await.body), [29, 255, 107]);
    }

    #[tokio::test]
    async fn one_is_made_every_few_seconds_at_most_and_an_old_keyframe_is_renewed() {
        let hub = Hub::new(1);
        let at = Timestamp::from_millis;
        let name: ChannelName = "garden".parse().unwrap();
        let info = media::ChannelInfo {
            origin: Origin::Whip,
            title: String::new(),
        };
        let mut writer = hub.publish(name.clone(), info, at(0)).unwrap();
        let channel = hub.channel(&name).unwrap();
        let pictures = Pictures::new();
        let show = |writer: &mut media::Writer, color, millis| {
            let (track, packet) = keyframe(color, at(millis));
            writer.set_tracks(vec![track]);
            writer.write(packet);
        };
        let look = async |millis| {
            let jpeg = pictures.get(&hub, &channel, at(millis)).await;
            mean_of_jpeg(&jpeg.ok().flatten().unwrap())
        };
        show(&mut writer, RED, 0);
        near(look(100).await, [76, 85, 255]);
        show(&mut writer, BLUE, 1000);
        near(look(2000).await, [76, 85, 255]);
        near(look(3200).await, [29, 255, 107]);
        assert!(!writer.signals(at(3200)).keyframe);
        look(6500).await;
        assert!(writer.signals(at(6500)).keyframe, "it is old");
        look(9000).await;
        assert!(
            !writer.signals(at(9000)).keyframe,
            "it was asked for already"
        );
        // What is damaged leaves the picture before it.
        let (_, broken) = keyframe(RED, at(10_000));
        writer.write(media::Packet {
            data: Bytes::from_static(&[0, 0, 0, 2, 0x65, 0xff]),
            ..broken
        });
        near(look(10_100).await, [29, 255, 107]);
    }
}
