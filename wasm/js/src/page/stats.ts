// A connection's reports, as far as they are looked at.

/** One report of `getStats`. */
export interface Report {
  id: string;
  type: string;
  /** Of a data channel. */
  state?: string;
  /** Of a stream of RTP. */
  kind?: string;
  mid?: string;
  packetsSent?: number;
  retransmittedPacketsSent?: number;
  framesEncoded?: number;
  framesReceived?: number;
}

/** All reports of a connection, or of one sender or receiver. */
export type Stats = ReadonlyMap<string, Report>;

/** The reports of a connection, or of one sender or receiver. */
export async function statsOf(of: { getStats(): Promise<RTCStatsReport> }): Promise<Stats> {
  return await of.getStats() as unknown as Stats;
}
