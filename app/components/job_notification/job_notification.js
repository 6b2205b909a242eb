// A notification of the browser when a job has ended, for whoever looks at another page; a button that asks to allow it.

let lastSerial = 0; // serial number of the last notification: outlives reruns

export default function (component) {
  const { parentElement: root, data } = component;
  const button = root.querySelector("button");
  if (!("Notification" in window)) return; // pages without encryption from another machine have none
  const refresh = () => {
    button.hidden = !(data.running && Notification.permission === "default");
  };
  button.title = "The browser tells you when the job ends, also while you look at another page.";
  button.onclick = async () => {
    await Notification.requestPermission();
    refresh();
  };
  refresh();
  if (data.serial > lastSerial) {
    lastSerial = data.serial;
    if (Notification.permission === "granted" && !document.hasFocus())
      new Notification("GEM Explorer", { body: data.text, tag: `gem-job-${data.serial}` });
  }
}
