// A list of things. On narrow screens every row becomes a card.
import type { ComponentChildren } from "preact";

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  number?: boolean;
}

interface TableProps<T> {
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
  empty: ComponentChildren;
}

export function Table<T>({ rows, columns, id, empty }: TableProps<T>) {
  if (rows.length === 0) return <p class="quiet empty">{empty}</p>;
  return (
    <table>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.title} class={column.number ? "number" : ""} scope="col">
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={id(row)}>
            {columns.map((column) => (
              <td key={column.title} data-title={column.title} class={column.number ? "number" : ""}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
