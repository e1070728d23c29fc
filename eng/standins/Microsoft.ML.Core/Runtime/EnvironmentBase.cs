namespace Microsoft.ML.Runtime;

/// <summary>What the root environment and the hosts share.</summary>
internal abstract class EnvironmentBase : MessageSource, IHostEnvironmentInternal, ICancelable
{
    private readonly object _lock = new();
    private readonly EnvironmentBase _parent;
    private readonly List<WeakReference<EnvironmentBase>> _children = [];
    private readonly Dictionary<string, object> _options = [];

    protected EnvironmentBase(int? seed)
        : base(null, null)
    {
        Seed = seed;
        Random = TauswortheRandom.Create(seed);
        Listeners = new Listeners();
        ComponentCatalog = new ComponentCatalog();
    }

    protected EnvironmentBase(EnvironmentBase parent, string name, string parentFullName, Random random)
        : base(name, parentFullName)
    {
        _parent = parent;
        Random = random;
        Seed = parent.Seed;
        GpuDeviceId = parent.GpuDeviceId;
        FallbackToCpu = parent.FallbackToCpu;
        Listeners = parent.Listeners;
        ComponentCatalog = parent.ComponentCatalog;
        IsCanceled = parent.IsCanceled;
    }

    public int? Seed { get; }

    /// <summary>A host of a host does not inherit this setting; a host of the root does.</summary>
    public string TempFilePath { get; set; } = Path.GetTempPath();

    public int? GpuDeviceId { get; set; }

    public bool FallbackToCpu { get; set; }

    public bool IsCanceled { get; private set; }

    public ComponentCatalog ComponentCatalog { get; }

    public override string ContextDescription => "HostEnvironment";

    internal Listeners Listeners { get; }

    protected Random Random { get; }

    /// <summary>The random numbers of the new host depend on how many hosts were registered before.</summary>
    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        Guard.NotEmpty(name, nameof(name));
        lock (_lock)
        {
            _children.RemoveAll(child => !child.TryGetTarget(out _));
            Random random = seed is int value ? new TauswortheRandom((uint)value) : new TauswortheRandom(Random);
            var host = new Host(this, name, _parent?.FullName, random);
            if (_parent is null)
                host.TempFilePath = TempFilePath;
            if (!IsCanceled || _parent is null)
                _children.Add(new WeakReference<EnvironmentBase>(host));
            return host;
        }
    }

    public void CancelExecution()
    {
        lock (_lock)
        {
            foreach (WeakReference<EnvironmentBase> child in _children)
            {
                if (child.TryGetTarget(out EnvironmentBase host))
                    host.CancelExecution();
            }
            _children.Clear();
            IsCanceled = true;
        }
    }

    public IChannel Start(string name) => new Channel(this, name);

    public IPipe<TMessage> StartPipe<TMessage>(string name) => new Pipe<TMessage>(this, name);

    public IProgressChannel StartProgressChannel(string name)
    {
        Guard.NotEmpty(name, nameof(name));
        return new SilentProgressChannel(this);
    }

    public override TException Process<TException>(TException ex)
    {
        if (ex is null)
            return null;
        ex.Data["Throwing component"] = "Environment";
        return Fail.Marked(ex);
    }

    public bool TryAddOption<T>(string name, T value)
    {
        CheckOptionName(name);
        return _options.TryAdd(name, value);
    }

    public void SetOption<T>(string name, T value)
    {
        CheckOptionName(name);
        _options[name] = value;
    }

    public bool TryGetOption<T>(string name, out T value)
    {
        CheckOptionName(name);
        bool found = _options.TryGetValue(name, out object present) && present is T;
        value = found ? (T)present : default;
        return found;
    }

    public T GetOptionOrDefault<T>(string name)
    {
        CheckOptionName(name);
        if (!_options.ContainsKey(name))
            _options[name] = default(T);
        return (T)_options[name];
    }

    public bool RemoveOption(string name)
    {
        CheckOptionName(name);
        return _options.Remove(name);
    }

    private static void CheckOptionName(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
            throw new ArgumentNullException(nameof(name));
    }
}

/// <summary>The root of a tree of hosts.</summary>
internal sealed class LocalEnvironment(int? seed = null) : EnvironmentBase(seed);

/// <summary>The environment of one component.</summary>
internal sealed class Host(EnvironmentBase parent, string name, string parentFullName, Random random)
    : EnvironmentBase(parent, name, parentFullName, random), IHost
{
    public Random Rand => Random;
}
