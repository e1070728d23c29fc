using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>The buffers that are saved with the module; those registered as not persistent are never listed.</summary>
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                HashSet<IntPtr> seen = [IntPtr.Zero];
                foreach ((string name, (Tensor buffer, bool persistent)) in _internal_buffers)
                    if (persistent && seen.Add(buffer.handle))
                        yield return (name, buffer);
                if (!recurse)
                    yield break;
                foreach ((string child, Module module) in _internal_submodules)
                    foreach ((string name, Tensor buffer) in module.named_buffers(true, include_nonpersistent))
                        if (seen.Add(buffer.handle))
                            yield return ($"{child}.{name}", buffer);
            }

            /// <summary>The parameters; one that several modules share is listed once, under its first name.</summary>
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                HashSet<IntPtr> seen = [IntPtr.Zero];
                foreach ((string name, Parameter parameter) in _internal_params)
                    if (seen.Add(parameter.handle))
                        yield return (name, parameter);
                if (!recurse)
                    yield break;
                foreach ((string child, Module module) in _internal_submodules)
                    foreach ((string name, Parameter parameter) in module.named_parameters(true))
                        if (seen.Add(parameter.handle))
                            yield return ($"{child}.{name}", parameter);
            }

            /// <summary>All modules below this one, without itself: a level first, then what lies below it.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach ((string, Module) child in _internal_submodules)
                    yield return child;
                foreach ((string child, Module module) in _internal_submodules)
                    foreach ((string name, Module below) in module.named_modules())
                        yield return ($"{child}.{name}", below);
            }

            public virtual IEnumerable<(string name, Module module)> named_children() => _internal_submodules;

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(item => item.Item2);

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(item => item.Item2);

            public virtual IEnumerable<Module> modules() => named_modules().Select(item => item.Item2);

            public virtual IEnumerable<Module> children() => named_children().Select(item => item.Item2);

            public virtual bool has_buffer(string target) =>
                _internal_buffers.ContainsKey(target) || Child(target, out Module child, out string rest) && child.has_buffer(rest);

            public virtual bool has_parameter(string target) =>
                _internal_params.ContainsKey(target) || Child(target, out Module child, out string rest) && child.has_parameter(rest);

            public virtual Tensor get_buffer(string target)
            {
                if (_internal_buffers.TryGetValue(target, out (Tensor, bool) found))
                    return found.Item1;
                return Child(target, out Module child, out string rest) ? child.get_buffer(rest) : null;
            }

            public virtual Parameter get_parameter(string target)
            {
                if (_internal_params.TryGetValue(target, out Parameter found))
                    return found;
                return Child(target, out Module child, out string rest) ? child.get_parameter(rest) : null;
            }

            private bool Child(string target, out Module child, out string rest)
            {
                int dot = target.IndexOf('.');
                string first = dot < 0 ? null : target[..dot];
                rest = dot < 0 ? null : target[(dot + 1)..];
                child = first is null ? null : named_children().FirstOrDefault(item => item.Item1 == first).Item2;
                return child is not null;
            }
        }
    }
}
