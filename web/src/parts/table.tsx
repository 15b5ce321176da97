/** A table that becomes a list of cards on phones. */
import type { ReactNode } from "react";
import { classes } from "./classes";

export interface Column<Row> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  align?: "start" | "end";
  /** Keeps the header for those who do not see: a column of buttons. */
  isHeaderHidden?: boolean;
  className?: string;
}

export interface TableProps<Row> {
  /** What it lists, for those who do not see it. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string | number;
  rowClassName?: (row: Row) => string | undefined;
}

// Roles are spelled out, since a table laid out as blocks is none to some browsers.
export function Table<Row>({ caption, columns, rows, keyOf, rowClassName }: TableProps<Row>) {
  return (
    <table role="table" className="block w-full border-collapse text-start sm:table">
      <caption className="sr-only">{caption}</caption>
      <thead role="rowgroup" className="sr-only sm:not-sr-only sm:table-header-group">
        <tr role="row">
          {columns.map((column) => (
            <th
              key={column.key}
              role="columnheader"
              scope="col"
              className={classes("border-b px-3 py-2 text-xs font-medium text-ink-muted", column.align === "end" ? "text-end" : "text-start", column.className)}
            >
              {column.isHeaderHidden ? <span className="sr-only">{column.header}</span> : column.header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" className="flex flex-col gap-2 sm:table-row-group">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row" className={classes("flex flex-col gap-1.5 rounded-lg border bg-surface p-3 sm:table-row sm:border-0 sm:bg-transparent sm:hover:bg-hover", rowClassName?.(row))}>
            {columns.map((column) => (
              <td
                key={column.key}
                role="cell"
                className={classes("flex min-w-0 items-start justify-between gap-4 max-sm:has-[>div:empty]:hidden sm:table-cell sm:border-b sm:px-3 sm:py-2 sm:align-top", column.align === "end" && "sm:text-end sm:tabular-nums", column.className)}
              >
                {!column.isHeaderHidden && (
                  <span aria-hidden="true" className="shrink-0 text-xs leading-5 text-ink-muted sm:hidden">
                    {column.header}
                  </span>
                )}
                <div className={classes("min-w-0 break-words max-sm:text-end", column.isHeaderHidden && "max-sm:w-full")}>{column.cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
