import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Browsers and load balancers send nothing ahead, and clients that do are content with a dozen. */
const MOST_AHEAD = 16;
const AHEAD = Symbol('ahead');

/**
 * The requests that were sent ahead stand on the connection itself; see the listener for what a map would cost. Undefined
 * while none is being answered.
 */
type Connection = Socket & { [AHEAD]?: Exchange[] | undefined };
type Exchange = [IncomingMessage, ServerResponse];

/**
 * Handles the requests of one connection one after the other, each when the answer before it is out, and cuts off who sends
 * more than a few ahead. Node would have all of them handled at once, some 1,500 in a single read, and their answers, which
 * go out in order, may be megabytes each and the client may read none of them.
 */
export function inTurn(handle: RequestListener): RequestListener {
  function begin(connection: Connection, [req, res]: Exchange): void {
    res.once('close', () => {
      const next = connection.destroyed ? undefined : connection[AHEAD]?.shift();
      if (next === undefined) connection[AHEAD] = undefined;
      else begin(connection, next);
    });
    handle(req, res);
  }

  return (req, res) => {
    const connection: Connection = req.socket;
    const ahead = connection[AHEAD];
    if (ahead === undefined) {
      connection[AHEAD] = [];
      begin(connection, [req, res]);
    } else if (ahead.length < MOST_AHEAD) {
      ahead.push([req, res]);
    } else if (!connection.destroyed) {
      cutOff(connection);
    }
  };
}

/**
 * Node goes on to parse what came in the same read, up to 1,500 requests of some 4 KB each in memory, and lets go of them at
 * the event that it gives at the end of the loop's turn: by then other connections may have brought as much, and hundreds of
 * them more than the heap holds. So the event is given at the end of the read.
 */
function cutOff(connection: Connection): void {
  connection.destroy();
  queueMicrotask(() => connection.emit('close', false));
}
