// SPDX-License-Identifier: Apache-2.0
/** The audit log: who did what, and whether the chain of its entries holds. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { AuditEntry, AuditVerdictView } from "../generated/wire";
import { auditEntries, auditVerdict } from "../service";
import { dateAndTime, detailWords, said } from "../words";

export function RecordDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [entries, setEntries] = useState<AuditEntry[]>([]);
  const [verdict, setVerdict] = useState<AuditVerdictView | null>(null);
  const [problem, setProblem] = useState("");
  const oldest = entries.at(-1)?.sequence ?? null;
  const read = useCallback(async (before: number | null) => {
    try {
      const more = await auditEntries(before);
      setEntries((now) => (before === null ? more : [...now, ...more]));
      if (before === null) setVerdict(await auditVerdict());
      setProblem("");
    } catch (error) {
      setProblem(said(error));
    }
  }, []);
  useEffect(() => {
    dialog.current?.showModal();
    void read(null);
  }, [read]);
  return (
    <dialog ref={dialog} class="dialog record" onClose={onClose} aria-labelledby="record-title" data-testid="record-dialog">
      <h2 id="record-title">Record</h2>
      {problem ? (
        <p class="problem" role="alert">
          {problem}
        </p>
      ) : (
        <Verdict verdict={verdict} />
      )}
      <div class="entries">
        <table>
          <thead>
            <tr>
              <th>No.</th>
              <th>Time</th>
              <th>Who</th>
              <th>What</th>
              <th>About</th>
              <th>More</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <tr key={entry.sequence} data-testid="record-entry">
                <td>{entry.sequence}</td>
                <td>{dateAndTime(entry.at_ns)}</td>
                <td>{entry.actor}</td>
                <td>{entry.action}</td>
                <td>{entry.subject}</td>
                <td>{detailWords(entry.detail)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="row">
        <button type="button" class="quiet" data-testid="record-newest" onClick={() => void read(null)}>
          Read again
        </button>
        <button
          type="button"
          class="quiet"
          data-testid="record-older"
          disabled={oldest === null || oldest <= 1}
          onClick={() => void read(oldest)}
        >
          Older
        </button>
        <button type="button" class="primary small" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}

function Verdict({ verdict }: { verdict: AuditVerdictView | null }) {
  if (verdict === null) return <p class="verdict">Checking every entry …</p>;
  if (verdict.intact) {
    return (
      <p class="verdict accepted" data-testid="record-verdict" data-intact="true">
        The record holds: each of its {verdict.entries} entries follows from the one before.
      </p>
    );
  }
  return (
    <p class="verdict refused" role="alert" data-testid="record-verdict" data-intact="false">
      The record is broken at entry {verdict.first_broken}: {verdict.because}
    </p>
  );
}
