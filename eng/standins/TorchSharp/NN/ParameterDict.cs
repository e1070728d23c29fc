using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>Parameters by name, in the order of insertion.</summary>
    public class ParameterDict : Module, IDictionary<string, Parameter>, IList<(string, Parameter)>
    {
        private readonly OrderedDict<string, Parameter> _items = new();
        private bool _registered;

        public ParameterDict() : base("ParameterDict")
        {
        }

        public int Count => _items.Count;

        public bool IsReadOnly => false;

        public ICollection<string> Keys => _items.Keys;

        public ICollection<Parameter> Values => _items.Values;

        public (string, Parameter) this[int index]
        {
            get => _items[index];
            set => _items[index] = value;
        }

        public Parameter this[string key]
        {
            get => _items[key];
            set => _items[key] = value;
        }

        protected override void RegisterComponents()
        {
            if (_registered)
                return;
            foreach ((string name, Parameter item) in _items)
                register_parameter(name, item);
            _registered = true;
        }

        public override bool has_parameter(string target) => _items.ContainsKey(target);

        public override Parameter get_parameter(string target) => _items.TryGetValue(target, out Parameter found) ? found : null;

        public void Add(string key, Parameter value) => _items.Add(key, value);

        public void Add((string, Parameter) item) => _items.Add(item);

        public void Add(KeyValuePair<string, Parameter> item) => _items.Add(item);

        public void Insert(int index, (string, Parameter) item) => _items.Insert(index, item);

        public bool Remove(string key) => _items.Remove(key);

        public bool Remove((string, Parameter) item) => _items.Remove(item);

        public bool Remove(KeyValuePair<string, Parameter> item) => _items.Remove(item);

        public void RemoveAt(int index) => _items.RemoveAt(index);

        public void Clear() => _items.Clear();

        public void clear() => _items.Clear();

        public bool ContainsKey(string key) => _items.ContainsKey(key);

        public bool Contains((string, Parameter) item) => _items.Contains(item);

        public bool Contains(KeyValuePair<string, Parameter> item) => _items.Contains(item);

        public bool TryGetValue(string key, [MaybeNullWhen(false)] out Parameter value) => _items.TryGetValue(key, out value);

        public int IndexOf((string, Parameter) item) => _items.IndexOf(item);

        public IEnumerable<string> keys() => _items.keys();

        public IEnumerable<Parameter> values() => _items.values();

        public IEnumerator<(string, Parameter)> items() => _items.items();

        public IEnumerator<(string, Parameter)> GetEnumerator() => _items.GetEnumerator();

        public void CopyTo((string, Parameter)[] array, int arrayIndex) => _items.CopyTo(array, arrayIndex);

        public void CopyTo(KeyValuePair<string, Parameter>[] array, int arrayIndex) => _items.CopyTo(array, arrayIndex);

        IEnumerator<KeyValuePair<string, Parameter>> IEnumerable<KeyValuePair<string, Parameter>>.GetEnumerator() =>
            ((IEnumerable<KeyValuePair<string, Parameter>>)_items).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static ParameterDict ParameterDict(params (string, Parameter)[] parameters)
            {
                ParameterDict made = new();
                foreach ((string, Parameter) item in parameters)
                    made.Add(item);
                return made;
            }
        }
    }
}
