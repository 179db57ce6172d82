import { render } from "preact";
import { Access, EntityPage } from "./pages/access";
import { BucketPage, Buckets } from "./pages/buckets";
import { FunctionPage, Functions } from "./pages/functions";
import { LogGroupPage, LogGroups } from "./pages/logs";
import { Overview } from "./pages/overview";
import { StackPage, Stacks } from "./pages/stacks";
import { Frame } from "./parts/frame";
import { followLinks, place } from "./router";
import "./style.css";

function Page() {
  const [room = "", name, more] = place.value;
  document.title = [name && (more ?? name), room || "overview", "Tule"].filter(Boolean).join(" · ");
  switch (room) {
    case "":
      return <Overview />;
    case "stacks":
      return name ? <StackPage key={name} name={name} /> : <Stacks />;
    case "functions":
      return name ? <FunctionPage key={name} name={name} /> : <Functions />;
    case "buckets":
      return name ? <BucketPage key={name} name={name} /> : <Buckets />;
    case "logs":
      return name ? <LogGroupPage key={name} name={name} /> : <LogGroups />;
    case "access":
      return (name === "role" || name === "user") && more ? (
        <EntityPage key={more} kind={name} name={more} />
      ) : (
        <Access />
      );
    default:
      return <p>There is no such room.</p>;
  }
}

followLinks();
render(
  <Frame>
    <Page />
  </Frame>,
  document.getElementById("console") as HTMLElement,
);
