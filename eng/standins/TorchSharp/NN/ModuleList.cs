using System.Collections;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>Modules in a list; their names are their positions at the time of registration.</summary>
    public class ModuleList<T> : Module, IList<T>
        where T : Module
    {
        private readonly List<T> _items = [];
        private bool _registered;

        public ModuleList(params T[] modules) : base(nameof(ModuleList<T>))
        {
            if (modules is not null)
                _items.AddRange(modules);
        }

        public int Count => _items.Count;

        public bool IsReadOnly => false;

        public T this[int index]
        {
            get => _items[index];
            set => _items[index] = value;
        }

        protected override void RegisterComponents()
        {
            if (_registered)
                return;
            for (int i = 0; i < _items.Count; i++)
                register_module($"{i}", _items[i]);
            _registered = true;
        }

        public void Add(T item) => _items.Add(item);

        public void append(params T[] parameters)
        {
            if (parameters is not null)
                _items.AddRange(parameters);
        }

        public void extend(IEnumerable<T> modules) => _items.AddRange(modules);

        public void Insert(int index, T item) => _items.Insert(index, item);

        public bool Remove(T item) => _items.Remove(item);

        public void RemoveAt(int index) => _items.RemoveAt(index);

        public void Clear() => _items.Clear();

        public bool Contains(T item) => _items.Contains(item);

        public int IndexOf(T item) => _items.IndexOf(item);

        public void CopyTo(T[] array, int arrayIndex) => _items.CopyTo(array, arrayIndex);

        public IEnumerator<T> GetEnumerator() => _items.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static ModuleList<T> ModuleList<T>(params T[] modules)
                where T : Module => new(modules);

            public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);
        }
    }
}
