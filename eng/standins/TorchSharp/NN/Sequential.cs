using System.Runtime.CompilerServices;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>Modules in a row, each fed with what the one before returned. It keeps its own list beside the registry.</summary>
    public class Sequential : Module<Tensor, Tensor>
    {
        private readonly List<(string Name, IModule<Tensor, Tensor> Module)> _row = [];

        protected Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) : base(nameof(Sequential))
        {
            foreach ((string name, Module<Tensor, Tensor> module) in modules)
                Add(name, module);
        }

        protected Sequential(params Module<Tensor, Tensor>[] modules) : base(nameof(Sequential))
        {
            foreach (Module<Tensor, Tensor> module in modules)
                Add(module);
        }

        internal Sequential() : base(nameof(Sequential))
        {
        }

        public int Count => _row.Count;

        [IndexerName("SequentialItems")]
        public IModule<Tensor, Tensor> this[int index] => _row[index].Module;

        [IndexerName("SequentialItems")]
        public Sequential this[(int? start, int? end) index] => Slice(index.Item1 ?? 0, index.Item2 ?? _row.Count);

        [IndexerName("SequentialItems")]
        public Sequential this[Range index] => Slice(index.Start.GetOffset(_row.Count), index.End.GetOffset(_row.Count));

        private IEnumerable<Module> Row => _row.Select(item => (Module)item.Module);

        public Sequential append(string name, IModule<Tensor, Tensor> module)
        {
            Add(name, module);
            return this;
        }

        public Sequential append(IModule<Tensor, Tensor> module)
        {
            Add(module);
            return this;
        }

        public override Tensor forward(Tensor tensor)
        {
            if (_row.Count == 0)
                return tensor.alias();
            Tensor current = _row[0].Module.call(tensor);
            for (int i = 1; i < _row.Count; i++)
            {
                Tensor next = _row[i].Module.call(current);
                current.Dispose();
                current = next;
            }
            return current;
        }

        public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
        {
            if (!recurse)
                yield break;
            HashSet<IntPtr> seen = [IntPtr.Zero];
            foreach ((string name, IModule<Tensor, Tensor> module) in _row)
                foreach ((string inner, Parameter parameter) in ((Module)module).named_parameters(true))
                    if (seen.Add(parameter.handle))
                        yield return ($"{name}.{inner}", parameter);
        }

        public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_persistent = true)
        {
            if (!recurse)
                yield break;
            HashSet<IntPtr> seen = [IntPtr.Zero];
            foreach ((string name, IModule<Tensor, Tensor> module) in _row)
                foreach ((string inner, Tensor buffer) in ((Module)module).named_buffers(true, include_persistent))
                    if (seen.Add(buffer.handle))
                        yield return ($"{name}.{inner}", buffer);
        }

        public override IEnumerable<(string name, Module module)> named_children() => _row.Select(item => (item.Name, (Module)item.Module));

        public override IEnumerable<(string name, Module module)> named_modules()
        {
            foreach ((string, Module) child in named_children())
                yield return child;
            foreach ((string name, Module module) in named_children())
                foreach ((string inner, Module below) in module.named_modules())
                    yield return ($"{name}.{inner}", below);
        }

        public override Module apply(Action<Module> fn)
        {
            foreach (Module module in Row)
                module.apply(fn);
            fn(this);
            return this;
        }

        public override void train(bool on = true) => base.train(on);

        public override void eval() => base.eval();

        protected internal override Module _to(ScalarType dtype, bool non_blocking)
        {
            foreach (Module module in Row)
                module._to(dtype, non_blocking);
            return this;
        }

        protected internal override Module _to(Device device, ScalarType dtype, bool non_blocking)
        {
            foreach (Module module in Row)
                module._to(device, dtype, non_blocking);
            return this;
        }

        protected internal override Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
        {
            foreach (Module module in Row)
                module._to(deviceType, deviceIndex, non_blocking);
            return this;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                foreach (Module module in Row)
                    module.Dispose();
            base.Dispose(disposing);
        }

        internal void Add(string name, IModule<Tensor, Tensor> module) => _row.Add((name, module));

        internal void Add(IModule<Tensor, Tensor> module) => Add($"{_row.Count}", module);

        private Sequential Slice(int start, int end)
        {
            if (start < 0 || start > _row.Count)
                throw new IndexOutOfRangeException($"{start} is not a valid index.");
            if (end < 0 || end > _row.Count)
                throw new IndexOutOfRangeException($"{end} is not a valid index.");
            Sequential part = new();
            for (int i = start; i < end; i++)
                part.Add(_row[i].Name, _row[i].Module);
            return part;
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential() => new();

            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => Named(modules);

            public static Sequential Sequential(params Tuple<string, Module<Tensor, Tensor>>[] modules) =>
                Named(modules.Select(item => (item.Item1, item.Item2)));

            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => Numbered(modules);

            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules) => Named(modules);

            public static Sequential Sequential(IEnumerable<Tuple<string, Module<Tensor, Tensor>>> modules) =>
                Named(modules.Select(item => (item.Item1, item.Item2)));

            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => Numbered(modules);

            private static Sequential Named(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules)
            {
                Sequential made = new();
                foreach ((string name, Module<Tensor, Tensor> module) in modules)
                    made.Add(name, module);
                return made;
            }

            private static Sequential Numbered(IEnumerable<Module<Tensor, Tensor>> modules)
            {
                Sequential made = new();
                foreach (Module<Tensor, Tensor> module in modules)
                    made.Add(module);
                return made;
            }
        }
    }
}
