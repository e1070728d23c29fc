using System.Collections;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>Parameters in a list; their names are their positions.</summary>
    public class ParameterList : Module, IList<Parameter>
    {
        private readonly List<Parameter> _items = [];
        private bool _registered;

        public ParameterList(params Parameter[] parameters) : base(nameof(ParameterList))
        {
            if (parameters is not null)
                _items.AddRange(parameters);
        }

        public int Count => _items.Count;

        public bool IsReadOnly => false;

        public Parameter this[int index]
        {
            get => _items[index];
            set => _items[index] = value;
        }

        protected override void RegisterComponents()
        {
            if (_registered)
                return;
            for (int i = 0; i < _items.Count; i++)
                register_parameter($"{i}", _items[i]);
            _registered = true;
        }

        public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) =>
            _items.Select((parameter, i) => ($"{i}", parameter));

        public override bool has_parameter(string target) => get_parameter(target) is not null;

        public override Parameter get_parameter(string target) =>
            int.TryParse(target, out int index) && index >= 0 && index < _items.Count ? _items[index] : null;

        internal override void Move(torch.ScalarType? dtype, torch.Device device, bool non_blocking)
        {
            for (int i = 0; i < _items.Count; i++)
                if (Moved(_items[i], dtype, device) is { } moved)
                {
                    _items[i].Dispose();
                    _items[i] = moved;
                }
            Remember(device);
        }

        public void Add(Parameter item) => _items.Add(item);

        public void append(params Parameter[] parameters)
        {
            if (parameters is not null)
                _items.AddRange(parameters);
        }

        public void extend(IEnumerable<Parameter> parameters) => _items.AddRange(parameters);

        public void Insert(int index, Parameter item) => _items.Insert(index, item);

        public bool Remove(Parameter item) => _items.Remove(item);

        public void RemoveAt(int index) => _items.RemoveAt(index);

        public void Clear() => _items.Clear();

        public bool Contains(Parameter item) => _items.Contains(item);

        public int IndexOf(Parameter item) => _items.IndexOf(item);

        public void CopyTo(Parameter[] array, int arrayIndex) => _items.CopyTo(array, arrayIndex);

        public IEnumerator<Parameter> GetEnumerator() => _items.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static ParameterList ParameterList(params Parameter[] parameters) => new(parameters);
        }
    }
}
