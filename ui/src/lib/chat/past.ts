import { io } from 'socket.io-client';
import type { Message } from '$lib/api';

/** What was said in a channel before: the last 100 messages. */
export async function past(http: string, channel: string, key: string): Promise<Message[]> {
  const socket = io(http, { transports: ['websocket'], forceNew: true, reconnection: false });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    const joined = (await socket.timeout(5000).emitWithAck('join', { channel, key })) as { history?: Message[] };
    return joined.history ?? [];
  } finally {
    socket.close();
  }
}
