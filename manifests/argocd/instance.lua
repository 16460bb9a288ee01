-- Health of an Instance: running, or stopped where its spec wants that.
local status = obj.status or {}
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being deleted"}
end
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not looked at yet"}
end
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready or {status = "Unknown", message = "not looked at yet"}
if conditions.Stalled ~= nil then
  -- What is installed is not what the spec says: it runs, and waits for somebody to ask for the other image.
  local waits = conditions.ReinstallRequired ~= nil and ready.status == "True"
  return {status = waits and "Suspended" or "Degraded", message = conditions.Stalled.message}
end
if ready.status ~= "True" then
  return {status = "Progressing", message = ready.message}
end
return {status = status.phase == "Stopped" and "Suspended" or "Healthy", message = ready.message}
